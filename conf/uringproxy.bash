# bash completion of uringproxy(8), which is itself asked for what may come next: its commands
# and options, and the names that the daemon which runs has got.
_uringproxy()
{
	local line=${COMP_LINE:0:COMP_POINT} before word
	local -a words

	COMPREPLY=()
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=('')
	((${#words[@]} > 1)) || return
	word=${words[-1]}
	before=
	[[ ! $word =~ ^(.*[$COMP_WORDBREAKS]) ]] || before=${BASH_REMATCH[1]} # what bash cuts off
	while IFS=$'\t' read -r word _; do
		if [[ $word == :files ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "${words[-1]#"$before"}")
		else
			printf -v word %q "${word#"$before"}"
			COMPREPLY+=("$word")
		fi
	done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}
complete -F _uringproxy uringproxy
