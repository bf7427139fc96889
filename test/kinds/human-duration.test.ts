import { humanAge, humanDuration } from "../../protocol/kinds/human-duration";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

// Source: the table of examples in Kubernetes' apimachinery (util/duration HumanDuration).
test.each([
  [-3 * second, "<invalid>"],
  [-second, "0s"],
  [0, "0s"],
  [999, "0s"],
  [119 * second, "119s"],
  [120 * second, "2m"],
  [7 * minute + 30 * second, "7m30s"],
  [10 * minute + 30 * second, "10m"],
  [179 * minute, "179m"],
  [3 * hour, "3h"],
  [3 * hour + 5 * minute, "3h5m"],
  [8 * hour + 5 * minute, "8h"],
  [47 * hour, "47h"],
  [2 * day, "2d"],
  [6 * day + 2 * hour, "6d2h"],
  [8 * day + 2 * hour, "8d"],
  [400 * day, "400d"],
  [2 * 365 * day, "2y"],
  [3 * 365 * day + 12 * day, "3y12d"],
  [9 * 365 * day + 12 * day, "9y"],
])("a duration of %d ms reads %s", (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});

test("an age without a timestamp is unknown", () => {
  expect(humanAge(undefined, 0)).toBe("<unknown>");
  expect(humanAge("yesterday", 0)).toBe("<unknown>");
  expect(humanAge("1970-01-01T00:00:00Z", 90_000)).toBe("90s");
});
