/**
 * What an operator of a user's own may import from "wavetank": the client (informers, requests, plans, leader election), the resources, the actor
 * contract and a few questions about objects.
 */

export type * from "../../protocol/kinds/generated";
export * from "../../protocol/kinds/object";
export type { Actor, Answer, Context, Input, Recovered, StreamInput } from "../../runtime/actor";
export * from "../client";
export type { OperatorConfig } from "./operator";
