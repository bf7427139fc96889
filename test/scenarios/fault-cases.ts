import type { Case } from "./fault-run";

const all = "target: { role: etcd, mode: all }";
const leader = "target: { role: etcd, is: leader }";

/** Faults for which etcd members and who writes to them are enough. */
export const ofEtcd: readonly Case[] = [
  [`fault: crash, ${leader}`, /^etcd-2 killed and started again/],
  [`fault: crash-actor, ${leader}`, /^etcd\/2 crashed$/],
  [`fault: crash-at, ${leader}, point: etcd-before-append, nth: 3`, /^etcd-2 died at etcd-before-append of etcd\/2$/],
  [`fault: crash-at, ${leader}, point: etcd-after-commit, dies: actor`, /^etcd\/2 died at etcd-after-commit of etcd\/2$/],
  [`fault: crash-at, target: { role: etcd, is: follower }, point: etcd-after-persist`, /^etcd-\d died at etcd-after-persist/],
  [`fault: crash-at, ${leader}, effect: persist, token: "raft ", side: before, nth: 2`, /^etcd-2 died before persist, raft {2}of etcd\/2$/],
  [`fault: power-loss, ${leader}`, /^etcd-2 lost power, \d+ unsynced writes? lost$/],
  [`fault: power-loss, ${leader}, torn: true`, /^etcd-2 lost power, \d+ (unsynced )?writes? (lost|reached)/],
  [`fault: stop-actor, target: { role: etcd, is: leader, actor: etcd }`, /^etcd\/2 stopped and started again$/],
  [`fault: upgrade, ${all}, period: 800ms, down: 200ms`, /^3 hosts to the next version, \d+ packets between versions$/],
  [`fault: upgrade, ${leader}, to: previous`, /^1 host to the version before, \d+ packets between versions$/],
  [`fault: clock-offset, ${all}, max: 60s`, /^the clock of etcd-0 was -?[\d.]+ s off, /],
  [`fault: clock-strobe, ${leader}, by: 30s`, /^\d+ times the clocks of etcd-2 jumped by 30 s$/],
  [`fault: corrupt-disk, ${leader}, rate: 20%`, /^\d+ records? stored with a wrong bit, etcd-2 emptied and filled anew$/],
  [`fault: misdirecting-disk, ${leader}, rate: 20%`, /^\d+ records? stored in the wrong place, etcd-2 emptied and filled anew$/],
  [`fault: replace-member, ${leader}`, /^etcd\/2 on etcd-2 lost its disk and is replaced$/],
  [
    `fault: restore-backup, target: { hosts: [etcd-0, etcd-2] }, lostAfter: 1s`,
    /^etcd-0 and etcd-2 lost their disks for good, 3 members are made of the backup that etcd\/0 gave at revision \d+$/,
  ],
  [`fault: member-churn, ${leader}, period: 300ms`, /^\d+ members? added and promoted, \d+ members? removed$/],
  [`fault: compaction-pressure, ${leader}, period: 200ms, defragment: true`, /^\d+ compactions of the newest revision$/],
  [`fault: write-pressure, ${leader}, period: 20ms, bytes: 20000`, /^\d+ writes of 20000 bytes$/],
  [`fault: corrupt-object, ${leader}, resource: configmaps`, /^1 field of configmaps\/default\/note-\d was wrong: /],
  [`fault: pause, ${leader}`, /^etcd-2 frozen and resumed$/],
  [`fault: slow-cpu, ${leader}, factor: 40`, /^etcd-2 slowed 40 times$/],
  [`fault: clock-jump, ${leader}, by: 90s, back: true`, /^the clocks of etcd-2 were -90 s off$/],
  [`fault: clock-drift, ${leader}, ppm: 50000`, /^the clocks of etcd-2 drifted by 50000 ppm$/],
  [`fault: slow-disk, ${leader}, factor: 30`, /^\d+ syncs slowed$/],
  [`fault: stalled-disk, ${leader}`, /^no write was synced$/],
  [`fault: full-disk, ${leader}`, /^\d+ writes? failed$/],
  [`fault: failing-disk, ${leader}, rate: 30%`, /^\d+ writes? failed$/],
  [`fault: priorities, ${all}, changes: 3, over: 1s, step: 20ms`, /^\d+ packets delayed$/],
  [`fault: delay, ${all}, max: 20ms`, /^\d+ packets delayed$/],
  [`fault: delay, ${all}, min: 1ms, max: 2s, distribution: slow-tail`, /^\d+ packets delayed$/],
  [`fault: delay, ${all}, max: 80ms, distribution: exponential, messages: [etcd.put]`, /^\d+ packets delayed$/],
  [`fault: loss, ${leader}, rate: 20%`, /^\d+ packets lost$/],
  [`fault: duplicate, ${leader}, rate: 50%`, /^\d+ packets doubled$/],
  [`fault: reorder, ${leader}, rate: 50%, max: 300ms`, /^\d+ packets held back$/],
  [`fault: replay, ${leader}, rate: 30%, min: 200ms, max: 3s`, /^\d+ packets sent again when they were old$/],
  [`fault: corrupt, ${leader}, rate: 5%`, /^\d+ packets damaged, \d+ frames? refused$/],
  [`fault: bandwidth, ${leader}, bytesPerSecond: 4000, queueBytes: 800`, /^\d+ packets queued or dropped$/],
  [`fault: clog, ${leader}`, /^\d+ packets held until it ended$/],
  [`fault: clog, target: { hosts: [etcd-2] }, peers: [etcd-1]`, /^\d+ packets held until it ended$/],
  [`fault: swizzle, ${all}, period: 150ms`, /^\d+ packets held until it ended$/],
  [`fault: isolate, ${leader}, direction: out`, /^\d+ packets blocked$/],
  [`fault: split, ${all}, shape: leader-alone`, /^\d+ packets blocked$/],
  [`fault: split, ${all}, shape: leader-in-majority, oneWay: true`, /^\d+ packets blocked$/],
  [`fault: split, ${all}, shape: groups, groups: 2`, /^\d+ packets blocked$/],
];

const servers = "target: { role: apiserver, mode: all }";

export const ofTheApi: readonly Case[] = [
  [`fault: api-error, ${servers}, code: 503, rate: 40%, verbs: [create, update, patch]`, /^\d+ requests answered with 503$/, "restart"],
  [
    `fault: api-error, ${servers}, carriedOut: true, rate: 40%, user: "system:kube-controller-manager"`,
    /^\d+ requests answered with 500, though carried out$/,
    "restart",
  ],
  [`fault: api-latency, ${servers}, min: 100ms, max: 3s, actors: [kubelet]`, /^\d+ requests? answered late$/, "restart"],
  [`fault: api-throttle, ${servers}, requestsPerSecond: 1, burst: 1`, /^\d+ requests throttled$/, "restart"],
  [`fault: stale-api-server, ${servers}`, /^\d+ messages of etcd's watches came late$/, "restart"],
  [`fault: stale-api-server, ${servers}, lag: 700ms`, /^\d+ messages of etcd's watches came late$/, "restart"],
  [`fault: watch-cut, ${servers}`, /^\d+ watches ended$/],
  [`fault: watch-gap, ${servers}, actors: [controller-manager/0]`, /^\d+ events withheld, \d+ watches had to list again$/, "restart"],
  [`fault: forced-relist, ${servers}, resources: [pods]`, /^\d+ watches told to list again$/],
  [`fault: wrong-answers, target: { role: webhook }`, /^\d+ wrong answers? given$/, "restart"],
  [`fault: wrong-answers, target: { role: webhook }, way: contrary, rate: 50%`, /^\d+ wrong answers? given$/, "restart"],
  [`fault: graceful-restart, ${servers}, down: 200ms`, /^2 API servers restarted$/],
];

const pods = "target: { deployment: default/web, mode: all }";
const nodes = "target: { role: node }";

export const ofPodsAndNodes: readonly Case[] = [
  [`fault: memory-pressure, target: { role: node, mode: all }, period: 800ms`, /^\d+ containers? killed for want of memory$/],
  [`fault: pod-kill, target: { service: default/web }`, /^1 pod deleted$/],
  [`fault: container-crash, target: { labels: "app=web", mode: fixed, value: 2 }`, /^\d containers? crashed$/],
  [`fault: oom-kill, ${pods}, container: web`, /^\d containers? out of memory$/],
  [`fault: failing-probe, ${pods}`, /^\d+ probes failed$/],
  [`fault: image-pull-failure, target: { role: node, mode: all }, image: "example.com/*"`, /^\d+ pulls? of an image failed$/, "restart"],
  [`fault: kubelet-stop, ${nodes}`, /^kubelet\/node-\d stopped and started again$/],
  [`fault: cordon, ${nodes}`, /^1 node cordoned$/],
  [`fault: taint, ${nodes}, effect: NoExecute`, /^1 node tainted storm.wavetank\/taint:NoExecute$/],
  [`fault: drain, ${nodes}`, /^1 node cordoned, \d pods? evicted$/],
  [`fault: dns-failure, target: { role: node, mode: all }`, /^\d+ names? not found$/],
  [
    `fault: crash-between-writes, target: { role: control, is: leader, actor: controller-manager }`,
    /^controller-manager\/0 crashed before /,
    "restart",
  ],
  [`fault: lose-node, target: { hosts: [node-2] }`, /^node-2 lost for ever$/],
  [`fault: memory-hog, target: { hosts: [node-0] }, share: 99.5%`, /^99\.5% of node-0's memory taken$/],
  [`fault: disk-fill, target: { hosts: [node-0] }`, /^99% of node-0's disk taken$/],
];

export const everyCase: readonly Case[] = [...ofEtcd, ...ofTheApi, ...ofPodsAndNodes];
