#!/bin/sh
# After tests with BUILD=coverage: the lines of each source that they have run.
gcov -n $(find build/coverage/src -name '*.gcda') 2>/dev/null | awk -F"[':%]" '
	/^File .src.*c.$/ { file = $2 }
	/^Lines/ && file  { printf "%6.2f%%  %s\n", $2, file; file = "" }' | sort -n
