/*
 * Sections that lead to sections: a proxy whose server is where another one
 * listens.  A chain of them is fine as long as it ends; one that comes back to
 * where it began would take every descriptor for a single client.
 *
 * Addresses are judged when the configuration is read; who looks names up
 * afterwards asks for those in the same way.
 */
#ifndef CONFIG_LOOPS_H
#define CONFIG_LOOPS_H

#include "config/config.h"

struct loops {
	size_t section_count;
	struct loop_place *places; /* where proxies listen */
	size_t place_count;
	struct loop_edge *edges; /* which leads to which */
	size_t edge_count;
	size_t *first_edge; /* by section, those from it; counted from 1 */
	bool *seen;         /* by section, for a search */
	size_t *stack;
};

/* With the places of all listen lines of proxies that are addresses.  0 or -ENOMEM. */
int loops_init(struct loops *loops, const struct config *config) must_check;
void loops_done(struct loops *loops);

/* The section listens there too: a line that is a name, looked up.  0 or -ENOMEM. */
int loops_listen(struct loops *loops, size_t section, const struct address *address,
		 const struct config_endpoint *line) must_check;

/* That line has led somewhere, and is going to be no more. */
void loops_forget(struct loops *loops, const struct config_endpoint *line);

/* The way back, for a message. */
struct loop_found {
	size_t section;                       /* whom the server is: perhaps the same */
	const struct config_endpoint *line;   /* where it listens */
	const struct config_endpoint *onward; /* its server that leads back; NULL: it is the same */
};

/*
 * The section has a server there (line, for messages).  0 when that leads nowhere
 * or to a chain that ends, which is kept in mind; 1 when it leads back to the
 * section, which is not; or -ENOMEM.
 */
int loops_connect(struct loops *loops, size_t section, const struct address *address,
		  const struct config_endpoint *line, struct loop_found *ret_found) must_check;

#endif
