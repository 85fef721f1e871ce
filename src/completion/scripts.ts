/** Shells for which there is a script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/*
 * Each script asks the program itself, by the name that was typed, and gives it the words as they are: nothing of what it prints
 * is evaluated by the shell.
 */

/** Works with the bash 3.2 of macOS too. It takes words apart at some characters, so what stands before the last of them is cut off. */
const BASH = String.raw`# vault completion for bash
_vault_complete() {
  local line="\${COMP_LINE:0:COMP_POINT}" tab=$'\t' current cut reply
  local -a typed
  read -ra typed <<< "$line"
  case "$line" in *[[:space:]]) typed+=("") ;; esac
  current="\${typed[\${#typed[@]}-1]}"
  cut="\${current%"\${current##*[=:@]}"}"
  COMPREPLY=()
  while IFS= read -r reply; do
    case "$reply" in
      :files) return ;;
      :directories) while IFS= read -r reply; do COMPREPLY+=("$reply"); done < <(compgen -d -- "\${current#"$cut"}"); compopt -o filenames 2>/dev/null; return ;;
    esac
    reply="\${reply%%"$tab"*}"
    COMPREPLY+=("\${reply#"$cut"}")
  done < <("\${typed[0]}" __complete -- "\${typed[@]:1}" 2>/dev/null)
  compopt +o default 2>/dev/null
}
complete -o default -F _vault_complete vault iam-vault
`.replaceAll('\\$', '$');

const ZSH = String.raw`#compdef vault iam-vault
# vault completion for zsh
_vault() {
  local -a lines values
  local line tab=$'\t'
  lines=("\${(@f)$("\${(Q)words[1]}" __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  case "$lines[1]" in
    :files) _files; return ;;
    :directories) _files -/; return ;;
  esac
  for line in \${lines:#}; do
    values+=("\${\${line%%"$tab"*}//:/\\:}:\${line#*"$tab"}")
  done
  _describe vault values
}
if [ "$funcstack[1]" = _vault ]; then _vault "$@"; else compdef _vault vault iam-vault; fi
`.replaceAll('\\$', '$');

const FISH = `# vault completion for fish
function __vault_complete
    set -l words (commandline -opc)
    set -l lines ($words[1] __complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
    switch "$lines[1]"
        case :files
            __fish_complete_path (commandline -ct)
        case :directories
            __fish_complete_directories (commandline -ct)
        case '*'
            test (count $lines) -gt 0; and printf '%s\\n' $lines
    end
end
complete -c vault -f -a '(__vault_complete)'
complete -c iam-vault -f -a '(__vault_complete)'
`;

/** What a shell reads once, and how a person installs it. */
export const SCRIPTS: Readonly<Record<Shell, { readonly script: string; readonly install: string }>> = {
  bash: { script: BASH, install: 'echo \'source <(vault completion bash)\' >> ~/.bashrc' },
  zsh: { script: ZSH, install: 'echo \'source <(vault completion zsh)\' >> ~/.zshrc    (after compinit)' },
  fish: { script: FISH, install: 'vault completion fish > ~/.config/fish/completions/vault.fish' },
};
