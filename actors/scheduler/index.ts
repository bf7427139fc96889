export { scheduler } from "./scheduler";
export type { SchedulerConfig } from "./state";
