const vm = require("node:vm");
const { installCommonGlobals } = require("jest-util");
const { ModuleMocker } = require("jest-mock");

/** What belongs to Node and not to the language: each context has to be given it. */
const ofNode = Object.getOwnPropertyNames(globalThis);

/**
 * Jest's environment for Node with one difference: the context's global object is an ordinary one. Jest's own is a proxy which is asked, slowly,
 * whenever code names `Map`, `Object` or `Math`; simulations spend half of their time there.
 */
class PlainContext {
  constructor({ projectConfig }) {
    this.context = vm.createContext(vm.constants.DONT_CONTEXTIFY);
    const global = this.context;
    this.global = global;
    const own = new Set(Object.getOwnPropertyNames(global));
    for (const name of ofNode) {
      if (own.has(name)) continue;
      const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
      Object.defineProperty(
        global,
        name,
        "value" in descriptor || !descriptor.configurable
          ? descriptor
          : {
              configurable: true,
              enumerable: descriptor.enumerable,
              get: () => globalThis[name],
              set: (value) => Object.defineProperty(global, name, { configurable: true, enumerable: true, writable: true, value }),
            },
      );
    }
    global.global = global;
    // Buffers are made outside of this context: what they are instances of has to be the same class inside.
    global.Buffer = Buffer;
    global.ArrayBuffer = ArrayBuffer;
    global.Uint8Array = Uint8Array;
    installCommonGlobals(global, projectConfig.globals);
    global.Error.stackTraceLimit = 100;
    this.moduleMocker = new ModuleMocker(global);
    // No test turns the clock by Jest: time is a port of the world under test.
    this.fakeTimers = null;
    this.fakeTimersModern = null;
  }

  async setup() {}

  async teardown() {
    this.context = null;
    this.global = null;
    this.moduleMocker = null;
  }

  exportConditions() {
    return ["node", "node-addons"];
  }

  getVmContext() {
    return this.context;
  }
}

module.exports = PlainContext;
