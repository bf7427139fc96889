export { type SchedulerConfig, scheduler } from "./scheduler";
