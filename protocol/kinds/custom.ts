import type { CustomResourceConversion, CustomResourceDefinitionVersion, JSONSchemaProps } from "./generated";
import type { Schema } from "./registry";

/**
 * What a CustomResourceDefinition says of one version of its kind, besides what every kind has. Data only: a Kind that carries it is served by
 * the same registry as the built-in ones, which ask it where those would look into definitions.json.
 */
export interface CustomFacts {
  /** "widgets.shop.example.com", the name of the definition. */
  readonly definitionName: string;
  readonly listKind: string;
  /** Uid and generation of the definition: kinds with the same one are the same. */
  readonly revision: string;
  /** The version that objects are stored in. */
  readonly storageVersion: string;
  readonly conversion: CustomResourceConversion;
  /** All versions, served or not. */
  readonly versions: readonly CustomResourceDefinitionVersion[];
  /** Columns, selectable fields, subresources and deprecation of this version. */
  readonly declared: CustomResourceDefinitionVersion;
  /** The version's schema, as it was given. */
  readonly openApi: JSONSchemaProps;
  /** The same with apiVersion, kind and metadata, in the registry's form: how fields are owned and merged. */
  readonly schema: Schema;
}
