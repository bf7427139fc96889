import type { Action } from "./action";
import { apply } from "./apply";
import { drainInTurn } from "./drain-in-turn";
import { cordon, drain, uncordon } from "./nodes";
import { deleteObject, patch } from "./patch";
import { restart } from "./restart";
import { scale } from "./scale";
import { setImage } from "./set-image";

/** Every action that a storm may take through the API. */
export const actions: readonly Action[] = [apply, setImage, restart, scale, patch, deleteObject, cordon, uncordon, drain, drainInTurn];

export function actionNamed(name: string): Action | undefined {
  return actions.find((action) => action.name === name);
}
