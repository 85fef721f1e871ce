import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { openEditor, editorWords } from '../cli/editor.ts';
import { changeFlags, ItemCommand } from '../cli/itemCommand.ts';
import { agreeTo, reportUnchanged, reportChange, tellAudience } from '../cli/oneItem.ts';
import { confirm } from '../cli/prompt.ts';
import { scratchPlaces } from '../config/environment.ts';
import { VaultError } from '../errors.ts';
import { openScratch, reopenScratch } from '../files/scratch.ts';
import { editItem, resumeDraft, startDraft } from '../operations/items/editItem.ts';

export default class Edit extends ItemCommand {
  static override summary = 'Change an item in your editor.';
  static override description = `Opens VISUAL or EDITOR on the fields as JSON, or, with FIELD, on that field: text and files as they are, anything else as JSON. The plaintext is in a directory in memory that nobody else can look into ($XDG_RUNTIME_DIR or /dev/shm), and is overwritten and removed afterwards; what an editor writes elsewhere (an undo directory, viminfo) is its own affair.

What somebody else changes meanwhile stays, but for a field that both changed: that stops with store-conflict. An edit that cannot be used is kept where it is, and --resume goes on with it.`;
  static override examples = [
    '<%= config.bin %> edit vault database',
    'EDITOR="vim -n -i NONE" <%= config.bin %> edit vault tls server.key',
    '<%= config.bin %> edit --resume /dev/shm/vault-edit-a1b2c3/database.json',
  ];
  static override args = {
    vault: Args.string({ description: 'name of the vault' }),
    item: Args.string({ description: 'name of the item' }),
    field: Args.string({ description: 'one field; all of them where it is left out' }),
  };
  static override flags = {
    'resume': Flags.string({ helpValue: 'PATH', description: 'go on with an edit that was kept' }),
    'allow-disk': Flags.boolean({ description: 'edit in a file on a disk where no directory is in memory' }),
    ...changeFlags,
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Edit);
    const { vault, item } = args;
    const output = this.output(flags);
    const words = editorWords(this.environment);
    if (flags.resume !== undefined && vault !== undefined) throw new VaultError('usage', '--resume knows which item it is.', { hint: 'Leave out VAULT and ITEM.' });
    const { memory, disk } = scratchPlaces(this.environment);
    await this.withSession(output, flags, async (session) => {
      const resumed = flags.resume === undefined ? undefined : reopenScratch(flags.resume);
      const draft = resumed !== undefined ? await resumeDraft(resumed)
        : vault !== undefined && item !== undefined ? await startDraft(session, { vault, item }, args.field)
        : missing();
      const scratch = resumed ?? openScratch(memory, flags['allow-disk'] ? disk : undefined);
      const editor = openEditor(words, scratch);
      try {
        const change = await editItem(session, draft, scratch, {
          edit: (path) => editor.edit(path),
          again: async (problem) => {
            if (!process.stdin.isTTY) return false;
            output.failure(problem);
            return await confirm('Edit it again?', false);
          },
          agree: async (plan) => {
            tellAudience(output, plan);
            await agreeTo(output, plan, flags.yes);
          },
        });
        if (change === undefined) reportUnchanged(output, draft);
        else reportChange(output, change, true);
      } finally {
        scratch.discard();
        editor.close();
      }
    });
  }
}

function missing(): never {
  throw new VaultError('usage', 'Missing: VAULT, ITEM.', { hint: 'Write: vault edit VAULT ITEM [FIELD]. See "vault edit --help".' });
}
