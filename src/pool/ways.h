/* The ways of balancing, by their names. */
#ifndef POOL_WAYS_H
#define POOL_WAYS_H

#include "pool/look.h"

const struct way *way_of(enum balance balance);

#endif
