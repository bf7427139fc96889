import { keyOf } from "../../../protocol/kinds/object";
import { type Blame, failuresBy, placeOf, plural } from "./blame";

export const dependency: Blame = {
  name: "dependency",
  title: "a Service that it depends on",
  what: "Its own pods answered, but with an error, because a Service that they ask failed them.",
  onlyExplains: true,
  find(evidence) {
    const { subject, service, subjects } = evidence;
    return failuresBy(service, "dependency").map(({ subject: other, count, detail }) => {
      const known = subjects.manifests.find(({ kind, object }) => kind.kind === "Service" && keyOf(object) === other);
      return {
        failed: count,
        ...(known ? placeOf(known, []) : placeOf(subject.manifest, [])),
        setting: `it depends on ${other}`,
        evidence: `${plural(count, "request")} failed because ${other} did: ${detail}.`,
        fix: known
          ? `Mend what is to blame for ${other}, or let the image do without it for a while.`
          : `No Service ${other} is among the manifests: add it, or take it out of the image's behaviour.`,
        changes: [],
      };
    });
  },
};
