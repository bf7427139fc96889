import type { ApiObject } from "../../../protocol/kinds/object";
import { type Failure, isFailure } from "../../../protocol/status";
import type { Admission, Needed, Plugin } from "./admission";
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from "./certificates";
import type { AdmissionSettings } from "./configuration";
import { defaultIngressClass, defaultStorageClass } from "./default-classes";
import { defaultTolerationSeconds } from "./default-toleration-seconds";
import type { Notes } from "./dynamic/review";
import { limitRanger } from "./limit-ranger";
import { namespaceLifecycle } from "./namespace-lifecycle";
import { nodeDeclaredFeatureValidator } from "./node-declared-features";
import { nodeRestriction } from "./node-restriction";
import { optionalPlugins } from "./optional/index";
import { paramAccess } from "./param-access";
import { knobOfPlugin } from "./plugin-names";
import { podSecurity } from "./pod-security/pod-security";
import { podTopologyLabels } from "./pod-topology-labels";
import { priority } from "./priority";
import { rbacEscalation } from "./rbac-escalation";
import { runtimeClass } from "./runtime-class";
import { serviceAccount } from "./service-account";
import { persistentVolumeClaimResize, storageObjectInUseProtection } from "./storage-objects";
import { taintNodesByCondition } from "./taint-nodes-by-condition";

/** Those that are on unless somebody says otherwise, in the order in which they are asked, as in kube-apiserver. */
const standardPlugins = (settings: AdmissionSettings): readonly Plugin[] => [
  namespaceLifecycle,
  limitRanger,
  serviceAccount,
  nodeRestriction,
  taintNodesByCondition,
  podTopologyLabels,
  podSecurity(settings.podSecurity),
  priority,
  defaultTolerationSeconds,
  defaultStorageClass,
  storageObjectInUseProtection,
  persistentVolumeClaimResize,
  runtimeClass,
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  defaultIngressClass,
  nodeDeclaredFeatureValidator,
  rbacEscalation,
  paramAccess,
];

const plugins = standardPlugins({});

/** The plug-ins of a server with these flags and this configuration; what in Kubernetes is no plug-in cannot be turned off. */
export function chosenPlugins(knobs: Readonly<Record<string, number>>, settings: AdmissionSettings = {}): readonly Plugin[] {
  const isOn = ({ name }: Plugin) => (knobs[knobOfPlugin(name)] ?? 1) === 1;
  return [...standardPlugins(settings), ...optionalPlugins(settings)].filter(isOn);
}

/** Of a server's plug-ins those that have a say in each step, worked out once. */
interface Steps {
  readonly needs: readonly Plugin[];
  readonly mutate: readonly Plugin[];
  readonly validate: readonly Plugin[];
  readonly warn: readonly Plugin[];
}

const steps = new WeakMap<readonly Plugin[], Steps>();

function stepsOf(asked: readonly Plugin[] = plugins): Steps {
  const known = steps.get(asked);
  if (known) return known;
  const having = (step: keyof Steps) => asked.filter((plugin) => plugin[step] !== undefined);
  const made = { needs: having("needs"), mutate: having("mutate"), validate: having("validate"), warn: having("warn") };
  steps.set(asked, made);
  return made;
}

/** What all plug-ins together will look up. */
export function neededBy(admission: Omit<Admission, "cluster">, asked: readonly Plugin[] = plugins): readonly Needed[] {
  return stepsOf(asked).needs.flatMap((plugin) => plugin.needs?.(admission) ?? []);
}

/** The object as the plug-ins leave it, or the first refusal. */
export function mutate(admission: Admission): ApiObject | Failure {
  let shown = admission;
  const told = timing(admission, "admit");
  for (const plugin of stepsOf(admission.cluster.plugins).mutate) {
    const answer = plugin.mutate?.(shown);
    const refused = answer !== undefined && answer !== shown.object && isFailure(answer);
    told?.plugin(plugin, refused);
    if (refused) {
      told?.end(true);
      return answer;
    }
    if (answer !== undefined && answer !== shown.object) shown = { ...shown, object: answer as ApiObject };
  }
  told?.end(false);
  return shown.object;
}

/** What the plug-ins have to say about a write that they let pass. */
export function warn(admission: Admission): readonly string[] {
  return stepsOf(admission.cluster.plugins).warn.flatMap((plugin) => plugin.warn?.(admission) ?? []);
}

/** The first plug-in's refusal of an object that has passed validation. `notes` hears what those that were asked have to say to the audit log. */
export function validate(admission: Admission, notes?: Pick<Notes, "annotate">): Failure | undefined {
  const told = timing(admission, "validate");
  for (const plugin of stepsOf(admission.cluster.plugins).validate) {
    if (notes && plugin.audit) for (const [key, value] of Object.entries(plugin.audit(admission))) notes.annotate(key, value);
    const refusal = plugin.validate?.(admission);
    told?.plugin(plugin, refusal !== undefined);
    if (refusal) {
      told?.end(true);
      return refusal;
    }
  }
  told?.end(false);
  return undefined;
}

/** Tells the figures, where there are some, how long each plug-in took and all of them together. */
function timing({ cluster: { figures }, operation }: Admission, type: "admit" | "validate") {
  if (!figures) return undefined;
  const begunUs = figures.nowUs();
  let sinceUs = begunUs;
  return {
    plugin({ name }: Plugin, rejected: boolean): void {
      const nowUs = figures.nowUs();
      figures.plugin(name, type, operation, rejected, nowUs - sinceUs);
      sinceUs = nowUs;
    },
    end(rejected: boolean): void {
      figures.step(type, operation, rejected, figures.nowUs() - begunUs);
    },
  };
}
