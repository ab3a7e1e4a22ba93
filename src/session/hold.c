#include "session/hold.h"

#include "pool/server.h"
#include "session/memo.h"
#include "session/reach.h"
#include "session/session.h"

static void hold(const struct reach *reach)
{
	if (reach && atomic_load_explicit(&reach->server->leaves, memory_order_relaxed))
		atomic_store_explicit(&reach->server->held, true, memory_order_relaxed);
}

void hold_servers(const struct session *session)
{
	const struct memo *memo = memo_of(session);

	hold(session->reach);
	hold(session->lacking);
	if (session->line)
		hold(session->line->of);
	for (uint32_t i = 0; i < memo->tried_count; i++)
		hold(memo->tried[i].reach);
}
