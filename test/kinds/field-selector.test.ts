import { formatFields, matchesFields, parseFieldSelector, requiredName } from "../../protocol/kinds/field-selector";
import { kindOf } from "../../protocol/kinds/registry";

const pod = kindOf("v1", "Pod")!;
const requirements = (text: string, kind = pod) => {
  const result = parseFieldSelector(text, kind);
  if (!result.ok) throw new Error(result.message);
  return result.requirements;
};
const failure = (text: string, kind = pod) => {
  const result = parseFieldSelector(text, kind);
  return result.ok ? "no failure" : result.message;
};

describe("field selectors (documentation: Field Selectors)", () => {
  const running = { metadata: { name: "a", namespace: "n" }, spec: { nodeName: "node-1" }, status: { phase: "Running" } };

  test.each([
    ["", true],
    ["metadata.name=a", true],
    ["metadata.namespace==n", true],
    ["spec.nodeName=node-1,status.phase=Running", true],
    ["status.phase!=Running", false],
    ["status.phase!=Failed", true],
    ["spec.nodeName=", false],
    ["status.podIP=", true],
    ["spec.hostNetwork=false", true],
  ])("%j selects the Pod: %p", (text, selected) => {
    expect(matchesFields(requirements(text), pod, running)).toBe(selected);
  });

  test("a field that a kind does not offer is refused in the words of that kind", () => {
    expect(failure("spec.foo=x")).toBe("field label not supported: spec.foo");
    expect(failure("spec.replicas=1", kindOf("apps/v1", "Deployment")!)).toBe(
      '"spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
    expect(failure("spec.x=1", kindOf("batch/v1", "Job")!)).toBe('field label "spec.x" not supported for Job');
  });

  test("what is no comparison is refused", () => {
    expect(failure("metadata.name")).toBe("invalid selector: 'metadata.name'; can't understand 'metadata.name'");
    expect(failure("metadata.name=a=b")).toBe("invalid selector: 'metadata.name=a=b'; can't understand 'metadata.name=a=b'");
  });

  test("commas and equals signs can be escaped", () => {
    const found = requirements("metadata.name=a\\,b\\=c");
    expect(found).toEqual([{ field: "metadata.name", operator: "=", value: "a,b=c" }]);
    expect(formatFields(found)).toBe("metadata.name=a\\,b\\=c");
  });

  test("events are selected by what they are about, and by their reporter in either of its fields", () => {
    const event = kindOf("v1", "Event")!;
    const found = requirements("involvedObject.kind=Pod,involvedObject.name=a,source=kubelet,type!=Normal", event);
    const object = { involvedObject: { kind: "Pod", name: "a" }, reportingComponent: "kubelet", type: "Warning" };
    expect(matchesFields(found, event, object)).toBe(true);
  });

  test("a required name can be told", () => {
    expect(requiredName(requirements("status.phase=Running,metadata.name=a"))).toBe("a");
    expect(requiredName(requirements("metadata.name!=a"))).toBeUndefined();
  });
});
