import { extname, join } from "node:path";
import { useCodeCache } from "./code-cache";

/** What every worker thread begins with: it loads the module beside this one whose name it is given. */
const name = process.argv[2]!;
if (extname(__filename) === ".js") useCodeCache(name, join(__dirname, "../code-cache"));
require(`./${name}`);
