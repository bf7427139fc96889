/** The admission plug-ins that can be turned on and off, under the names of kube-apiserver's, and whether they are on unless somebody says otherwise. */
export const pluginDefaults = {
  NamespaceLifecycle: true,
  LimitRanger: true,
  ServiceAccount: true,
  NodeRestriction: true,
  TaintNodesByCondition: true,
  PodTopologyLabels: true,
  PodSecurity: true,
  Priority: true,
  DefaultTolerationSeconds: true,
  DefaultStorageClass: true,
  StorageObjectInUseProtection: true,
  PersistentVolumeClaimResize: true,
  RuntimeClass: true,
  CertificateApproval: true,
  CertificateSigning: true,
  CertificateSubjectRestriction: true,
  DefaultIngressClass: true,
  MutatingAdmissionPolicy: true,
  MutatingAdmissionWebhook: true,
  ValidatingAdmissionPolicy: true,
  ValidatingAdmissionWebhook: true,
  ResourceQuota: true,
  NodeDeclaredFeatureValidator: true,
  NamespaceAutoProvision: false,
  NamespaceExists: false,
  LimitPodHardAntiAffinityTopology: false,
  PodNodeSelector: false,
  PodTolerationRestriction: false,
  ExtendedResourceToleration: false,
  AlwaysPullImages: false,
  ImagePolicyWebhook: false,
  EventRateLimit: false,
  OwnerReferencesPermissionEnforcement: false,
  DenyServiceExternalIPs: false,
  PodResizeValidator: false,
  AlwaysDeny: false,
} as const;

export type PluginName = keyof typeof pluginDefaults;

export const pluginNames = Object.keys(pluginDefaults) as readonly PluginName[];

/** The knob that turns a plug-in on or off. */
export const knobOfPlugin = (name: string) => `admission-plugin-${name}` as const;
