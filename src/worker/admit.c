#include "worker/admit.h"

#include "loop/socket.h"
#include "session/admission.h"
#include "session/greet_proxy.h"
#include "session/greeting.h"
#include "session/section.h"
#include "worker/accept.h"
#include "worker/worker.h"

static bool reject(const struct section *section, int fd)
{
	socket_reject(fd, (enum config_reject)section->config->settings.reject);
	return false;
}

bool admit(struct worker *worker, struct listener *listener, int fd,
	   struct clients_place *ret_counted)
{
	struct branch *branch = listener->branch;
	const struct section *section = branch->section;
	bool takes_headers = section->asks & 1u << ASK_PROXY;
	struct arrival arrival;

	if (likely(!section->guards && !takes_headers))
		return true;
	arrival_look(&arrival, fd);
	if (takes_headers && greet_proxy_is_expected(section, &arrival))
		return true; /* the others are asked when it has come */
	if (takes_headers && greet_proxy_rejects_others(section)) {
		refused_client(&worker->sessions, branch, REFUSED_UNTRUSTED, &arrival);
		stats_count(&worker->loop.stats, denied, 1);
		return reject(section, fd);
	}
	if (admission_ask(&worker->sessions, branch, listener->socket->text, &arrival, ret_counted))
		return true;
	return reject(section, fd);
}
