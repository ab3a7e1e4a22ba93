#compdef uringproxy
# zsh completion of uringproxy(8), which is itself asked for what may come next: its commands
# and options, and the names that the daemon which runs has got.
local -a lines candidates
local line

lines=("${(@f)$(${(Q)words[1]} complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
if [[ ${lines[1]} == :files ]]; then
	[[ $words[CURRENT] != --*=* ]] || compset -P '*='
	_files
	return
fi
for line in ${lines:#}; do
	candidates+=("${${line%%$'\t'*}//:/\\:}${${(M)line%$'\t'*}:+:${line#*$'\t'}}")
done
_describe 'uringproxy' candidates
