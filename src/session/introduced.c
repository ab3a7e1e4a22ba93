#include "session/introduced.h"

#include "session/session.h"

#include <stdlib.h>

struct introduced *introduced_of(struct session *session)
{
	if (!session->introduced)
		session->introduced = calloc(1, sizeof(*session->introduced));
	return session->introduced;
}

bool introduced_was_check(const struct session *session, uint64_t bytes_up)
{
	const struct introduced *introduced = session->introduced;

	return session->end.reason == REASON_PROXY_CHECK ||
	       (introduced && introduced->is_check && bytes_up == 0);
}

void introduced_done(struct session *session)
{
	struct introduced *introduced = session->introduced;

	if (likely(!introduced))
		return;
	free(introduced->tlvs);
	free(introduced->sni);
	free(introduced->alpn);
	free(introduced);
	session->introduced = NULL;
}
