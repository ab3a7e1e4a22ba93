#!/bin/sh
# The include graph is the architecture, so it is tested.  Each rule names a
# folder of src/ and the folders whose headers it may include besides its own.
rules='base: | ring:base | ops:base | names:base | greet:base | config:base,greet | import:base,config |
       loop:base,ring,ops,config | pool:base,ops,config | guard:base,ops,config |
       lane:base,ring,config,loop | relay:base,ring,config,loop,lane |
       service:base,ring,config,loop,lane |
       session:base,greet,ring,ops,config,loop,pool,guard,lane |
       worker:base,greet,ring,ops,config,loop,pool,guard,lane,session |
       control:base,greet,ring,ops,config,names,loop,pool,guard,session,worker,import |
       main.c:base,ring,ops,config,names,loop,pool,guard,lane,session,worker,relay,service,control'

grep -rnH '^#include "' src | awk -F '[/:"]' -v rules="$rules" '
BEGIN {
	n = split(rules, rule, /[ \n]*\|[ \n]*/)
	for (i = 1; i <= n; i++) { split(rule[i], r, ":"); may[r[1]] = "," r[1] "," r[2] "," }
}
# src/loop/op.h:3:#include "base/slab.h"   ->   folder loop includes from base
{
	folder = $2; split($0, q, "\""); target = q[2]; sub("/.*", "", target)
	if (!(folder in may) || !index(may[folder], "," target ",")) {
		split($0, at, ":"); printf "%s:%s: %s may not include %s/\n", at[1], at[2], folder, target
		bad = 1
	}
}
END { exit bad }'
