export { type ControllerManagerConfig, type ControllerManagerState, controllerManager } from "./controller-manager";
export { chosenControllers, controllers } from "./registry";
