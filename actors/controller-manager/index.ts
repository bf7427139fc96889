export { type ControllerManagerConfig, type ControllerManagerState, controllerManager } from "./controller-manager";
export { type ControllerManagerKnob, controllerManagerKnobs } from "./knobs";
export { chosenControllers, controllers } from "./registry";
