// Preloaded into the command line: each SIGUSR2 makes this machine's clock jump, a day ahead, then a day back from where it was, then to the right time.
const DAY_MS = 86_400_000;
const offsets = [DAY_MS, -DAY_MS, 0];
let offset = 0;
process.on('SIGUSR2', () => { offset = offsets.shift() ?? 0; });

const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + offset);
    else super(...args);
  }

  static now() {
    return RealDate.now() + offset;
  }
};
