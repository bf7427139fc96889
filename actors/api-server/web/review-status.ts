import { isObject } from "../objects/decode";

/** The status in a review that a webhook sent back, empty where it has none; a text, in a real server's words, where the body is no JSON. */
export function reviewStatus(body: Uint8Array): Readonly<Record<string, unknown>> | string {
  let review: unknown;
  try {
    review = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return `couldn't get version/kind; json parse error: ${error.message}`;
    throw error;
  }
  return isObject(review) && isObject(review.status) ? review.status : {};
}
