import { matchesImage } from "../../actors/container-runtime";
import { decode } from "../../protocol/codec";
import type { CriFailed, CriPullImage } from "../../protocol/cri";
import { count, type Fault } from "./fault";
import { answerInItsPlace } from "./stand-in";

export const imagePullFailure: Fault = {
  name: "image-pull-failure",
  what: "The registry gives the nodes no image, or not the one that is named: pulls fail, and pods that need one wait in ErrImagePull and ImagePullBackOff. Images that a node has are there.",
  params: { image: { type: "string", description: 'only this image; "*" stands for any text, and a name without a tag means every tag' } },
  required: [],
  silences: false,
  swarm: { roles: ["node"] },
  begin(tank, nodes, params) {
    const wanted = params.image as string | undefined;
    let failed = 0;
    const interposers = nodes.map((node) =>
      tank.interpose(node, (gate) => ({
        arriving(envelope) {
          if (envelope.kind !== "cri.pullImage" || envelope.operation !== "ask") return "pass";
          const { image } = decode(envelope.body) as CriPullImage;
          if (wanted !== undefined && !matchesImage(wanted, image)) return "pass";
          failed++;
          const why = `failed to do request: Head "https://registry/v2/": dial tcp: i/o timeout`;
          const answer: CriFailed = {
            kind: "cri.failed",
            code: "Unknown",
            message: `failed to pull and unpack image ${JSON.stringify(image)}: ${why}`,
          };
          answerInItsPlace(gate, envelope, answer);
          return [];
        },
      })),
    );
    const soFar = () => count(failed, "pull", "of an image failed", "pulls");
    return {
      soFar,
      end() {
        for (const interposer of interposers) interposer.cancel();
        return soFar();
      },
    };
  },
};
