# shellcheck shell=sh
# For tests with real servers, as Debian has them, on the machines of machines.sh.  To be sourced
# after it, by root: some of them refuse to be root, and run as the user of their package.
#
#   find_postgres                        $postgres: where its programs are
#   postgres_made DIRECTORY              an empty cluster of databases is there
#   postgres_on MACHINE DIRECTORY ADDRESS PORT    it runs; its process is $started

# Nobody else's program may be in the way, and some of these are for root.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
chmod 755 "$work"

as() {
	whom=$1
	shift
	setpriv --reuid="$whom" --regid="$whom" --clear-groups "$@"
}

find_postgres() {
	postgres=
	for postgres in /usr/lib/postgresql/*/bin; do :; done
	[ -x "$postgres/initdb" ]
}

postgres_made() {
	install -d -o postgres -g postgres -m 700 "$1" &&
		as postgres "$postgres/initdb" --no-sync -U postgres -A trust -D "$1" >"$1.log" 2>&1 &&
		echo 'host all,replication all all trust' >>"$1/pg_hba.conf"
}

# mmap: nothing of it is in /dev/shm, which all machines share with us.
postgres_on() {
	start "$1" setpriv --reuid=postgres --regid=postgres --clear-groups "$postgres/postgres" \
		-D "$2" -c listen_addresses="$3" -p "$4" -c unix_socket_directories= -c fsync=off \
		-c shared_buffers=16MB -c dynamic_shared_memory_type=mmap >>"$2.log" 2>&1
}
