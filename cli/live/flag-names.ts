/** What the cluster says of the fields of a request, in the names under which they were given here. */
export function asFlags(message: string): string {
  return message
    .replaceAll(/^\$\.params: the field "(\w+)" is missing$/gm, "--set $1=…: is missing; `wavetank describe` shows what a fault wants")
    .replaceAll(/^\$\.params(\.\w+)?/gm, (_all, field?: string) => (field ? `--set ${field.slice(1)}` : "--set"))
    .replaceAll(/^\$: the field "target" is missing$/gm, '--target SELECTOR: is missing, such as "{ role: etcd, is: leader }"')
    .replaceAll(/^\$\.(target|for)/gm, "--$1")
    .replaceAll(/^\$\.fault: /gm, "");
}
