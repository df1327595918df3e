/**
 * What the shells load. Each asks `pm __complete WORD...`, the words after "pm"
 * up to the one under the cursor, and gets candidates, one a line, a TAB before
 * a description; or one line ":files", ":directories" or ":commands", which the
 * shell does better itself. Words are passed as they are and never evaluated.
 */
export const completionScripts: Readonly<Record<"bash" | "zsh" | "fish", string>> = {
  bash: `# bash completion for pm
_pm_complete() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line value
  COMPREPLY=()
  while IFS= read -r line; do
    value=\${line%%$'\\t'*}
    case $value in
      :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
      :directories) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
      :commands) mapfile -t COMPREPLY < <(compgen -c -- "$cur"); return ;;
      "$cur"*) COMPREPLY+=("$value") ;;
    esac
  done < <(pm __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _pm_complete pm
`,
  zsh: `#compdef pm
_pm() {
  local -a candidates
  local line value
  while IFS= read -r line; do
    case $line in
      :files) _files; return ;;
      :directories) _files -/; return ;;
      :commands) _command_names -e; return ;;
    esac
    value=\${line%%$'\\t'*}
    if [[ $line == *$'\\t'* ]]; then
      candidates+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
    else
      candidates+=("\${value//:/\\\\:}")
    fi
  done < <(pm __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe pm candidates
}
compdef _pm pm
`,
  fish: `# fish completion for pm
function __pm_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (pm __complete $words[2..] 2>/dev/null)
    switch "$lines[1]"
        case :files
            __fish_complete_path (commandline -ct)
        case :directories
            __fish_complete_directories (commandline -ct)
        case :commands
            __fish_complete_command
        case '*'
            printf '%s\\n' $lines
    end
end
complete -c pm -f -a '(__pm_complete)'
`,
};
