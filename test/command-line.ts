import { stripVTControlCharacters } from "node:util";
import { main } from "../cli/program";

/** Runs the command line in this process: what it printed, without colours, which a CI service is given too, and how it would end. */
export async function wavetank(...args: string[]): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  let [out, err] = ["", ""];
  const stdout = jest.spyOn(process.stdout, "write").mockImplementation((text) => Boolean((out += String(text))));
  const stderr = jest.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((err += String(text))));
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await main(args);
    return { status: Number(process.exitCode ?? 0), out: stripVTControlCharacters(out), err: stripVTControlCharacters(err) };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
    process.exitCode = before;
  }
}
