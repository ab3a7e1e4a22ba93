#include "worker/admit.h"

#include "loop/socket.h"
#include "session/admission.h"
#include "session/greeting.h"
#include "session/section.h"
#include "worker/accept.h"
#include "worker/worker.h"

/* What 3 and 4 ask about comes with the header. */
static bool is_introduced(const struct section *section)
{
	return section->asks & 1u << ASK_PROXY;
}

bool admit(struct worker *worker, struct listener *listener, int fd,
	   struct clients_place *ret_counted)
{
	struct branch *branch = listener->branch;
	const struct section *section = branch->section;
	struct arrival arrival;

	if (likely(!section->guards) || is_introduced(section))
		return true;
	arrival_look(&arrival, fd);
	if (admission_ask(&worker->sessions, branch, listener->socket->text, &arrival, ret_counted))
		return true;
	socket_reject(fd, (enum config_reject)section->config->settings.reject);
	return false;
}
