#!/bin/sh
# The catalogue has a text for each kind of entry that the access log writes into the
# journal, names only fields that there are, and journalctl reads it.
set -eu
cd "$(dirname "$0")/.."
catalog=systemd/uringproxy.catalog

written=$(grep -rhoE 'MESSAGE_ID=[0-9a-f]{32}' src/ops | sed 's/.*=//' | sort)
explained=$(sed -n 's/^-- \([0-9a-f]*\)$/\1/p' $catalog | sort)
[ -n "$written" ] && [ "$written" = "$explained" ] || {
	printf 'message ids in src/ops:\n%s\nin %s:\n%s\n' "$written" $catalog "$explained"
	exit 1
}
for field in $(grep -oE '@URINGPROXY_[A-Z_]*@' $catalog | tr -d @ | sed 's/^URINGPROXY_//' | tr A-Z a-z | sort -u); do
	grep -q "^    \"$field\": " tests/record.schema.json || { echo "a record has no $field"; exit 1; }
done

command -v journalctl >/dev/null || { echo "no journalctl (package systemd)"; exit 77; }
root=$(mktemp -d "${TMPDIR:-/tmp}/uringproxy-catalog.XXXXXX")
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/usr/lib/systemd/catalog" "$root/var/lib/systemd/catalog"
cp $catalog "$root/usr/lib/systemd/catalog/"
said=$(journalctl --root="$root" --update-catalog 2>&1) || { echo "$said"; exit 1; }
for id in $explained; do
	journalctl --root="$root" --dump-catalog "$id" 2>/dev/null | grep -q "^Subject: " ||
		{ echo "journalctl does not find $id: $said"; exit 1; }
done
