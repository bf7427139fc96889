import { answerForm, bodyType, chooseMediaType, parseAccept, patchType } from "../../actors/api-server/negotiation";

const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

// Source: Kubernetes API concepts, "Receiving resources as Tables", "Metadata-only fetches", "Alternate representations of resources".
test("kubectl's Accept header gets a Table", () => {
  const kubectl = `${table},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`;
  expect(answerForm(kubectl, "list")).toEqual({ as: "Table", version: "v1" });
  expect(answerForm(kubectl, "watch")).toEqual({ as: "Table", version: "v1" });
  expect(answerForm("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", "object")).toEqual({
    as: "Table",
    version: "v1beta1",
  });
});

test("protobuf is passed over where JSON is accepted too, and refused alone", () => {
  expect(answerForm("application/vnd.kubernetes.protobuf,application/json", "list")).toEqual({ as: "Object" });
  expect(answerForm("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json", "watch")).toEqual({
    as: "Object",
  });
  expect(answerForm("application/vnd.kubernetes.protobuf", "list")).toMatchObject({ code: 406, reason: "NotAcceptable" });
});

test("a transformation that is not known is passed over, and refused alone", () => {
  expect(answerForm("application/json;as=Table;v=v2;g=meta.k8s.io,application/json", "list")).toEqual({ as: "Object" });
  expect(answerForm("application/json;as=Table;v=v1;g=other.io", "list")).toMatchObject({ code: 406 });
  expect(answerForm("application/json;as=Chart;v=v1;g=meta.k8s.io", "object")).toMatchObject({ code: 406 });
});

test("metadata comes one by one or as a list, whichever fits the request", () => {
  const metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  const list = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
  expect(answerForm(metadata, "object")).toEqual({ as: "PartialObjectMetadata", version: "v1" });
  expect(answerForm(metadata, "watch")).toEqual({ as: "PartialObjectMetadata", version: "v1" });
  expect(answerForm(list, "list")).toEqual({ as: "PartialObjectMetadataList", version: "v1" });
  expect(answerForm(metadata, "list")).toMatchObject({ code: 406 });
});

// Source: RFC 9110, section 12.5.1.
test("quality values order the alternatives, and zero forbids one", () => {
  expect(answerForm(`${table};q=0.1,application/json;q=0.9`, "list")).toEqual({ as: "Object" });
  expect(answerForm("application/json;q=0", "list")).toMatchObject({ code: 406 });
  expect(parseAccept("a/b;q=0.5, c/d, e/f;q=0.5").map((r) => r.type)).toEqual(["c", "a", "e"]);
});

test("no Accept header and wildcards mean JSON", () => {
  for (const accept of ["", "*/*", "application/*", "text/html,*/*;q=0.1"]) expect(answerForm(accept, "object")).toEqual({ as: "Object" });
  expect(chooseMediaType("text/html,*/*;q=0.1", ["application/json", "text/plain"])).toBe("application/json");
  expect(chooseMediaType("text/*", ["application/json", "text/plain"])).toBe("text/plain");
  expect(chooseMediaType("image/png", ["application/json"])).toBeUndefined();
});

test("patches are told apart by their media type, and others are refused with what is supported", () => {
  expect(patchType("application/strategic-merge-patch+json")).toBe("strategic");
  expect(patchType("application/merge-patch+json; charset=utf-8")).toBe("merge");
  expect(patchType("application/json-patch+json")).toBe("json");
  expect(patchType("application/apply-patch+yaml")).toBe("apply");
  expect(patchType("application/json")).toMatchObject({ code: 415, reason: "UnsupportedMediaType" });
});

test("bodies are JSON or YAML", () => {
  expect([bodyType(""), bodyType("application/json; charset=UTF-8"), bodyType("application/yaml")]).toEqual(["json", "json", "yaml"]);
  expect(bodyType("application/vnd.kubernetes.protobuf")).toMatchObject({
    code: 415,
    message: expect.stringContaining("application/yaml"),
  });
});
