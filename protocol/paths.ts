/** Paths of files as Linux reads them. */

/** Longer paths are refused ("File name too long"): Linux' PATH_MAX, with the end that is not counted. */
export const pathBytesMax = 4095;

/** A path seen from `from`, without "." and "..". */
export function absolute(path: string, from = "/"): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${from}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** A path without the slashes at its end. A regular expression would try each of many slashes that are not at the end, and again each behind it. */
export function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  return path.slice(0, end);
}
