/*
 * How long a server takes to answer, as choosing by least_time has it.
 *
 * It follows the worst at once and the better slowly: a sample above it is taken as it is,
 * one below pulls it down by how long ago the last one was.  A failure is a sample too, of
 * a long time, or who refuses would look like the fastest of all.  What is not heard of
 * for long is forgotten by halves, so that who was slow is tried again.
 *
 * A sample is one store: of two workers' at the same moment one is lost, which does no harm.
 */
#ifndef POOL_LEAST_TIME_H
#define POOL_LEAST_TIME_H

#include "base/compiler.h"

struct server;

/* A connection was made in so many microseconds; or the first answer came. */
void least_time_took(struct server *server, uint64_t us, uint64_t now_ms);
/* None was made, after so many. */
void least_time_failed(struct server *server, uint64_t us, uint64_t now_ms);
/* What it takes now, in microseconds; 0: nothing is known. */
uint32_t least_time_of(const struct server *server, uint64_t now_ms);

#endif
