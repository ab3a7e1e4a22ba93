/*
 * Doubly linked lists through a member of the listed struct.
 *
 * A list is a ring of nodes around a head, so that a node leaves in constant
 * time without knowing which list holds it.  A node in no list is all zeroes,
 * which is what slab_take() gives.  Nothing is allocated and nothing is owned.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/compiler.h"

/* The struct of the type given whose member the pointer points at. */
#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((unsigned char *)(pointer)-offsetof(type, member)))

/* A head, or a node. */
struct list {
	struct list *next, *previous;
};

/* Make head an empty list. */
static inline void list_init(struct list *head)
{
	head->next = head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* Whether the node (not a head) is in some list. */
static inline bool list_is_linked(const struct list *node)
{
	return node->next != NULL;
}

/* Add a node that is in no list at the end. */
static inline void list_push(struct list *head, struct list *node)
{
	assert(!list_is_linked(node));
	node->next = head;
	node->previous = head->previous;
	head->previous->next = node;
	head->previous = node;
}

/* Take the node out of the list it is in. */
static inline void list_remove(struct list *node)
{
	assert(list_is_linked(node));
	node->previous->next = node->next;
	node->next->previous = node->previous;
	*node = (struct list){0};
}

/* Take out the first node; NULL when there is none. */
static inline struct list *list_pop(struct list *head)
{
	struct list *node = head->next;

	if (node == head)
		return NULL;
	list_remove(node);
	return node;
}

/* Move every node, in order, to the empty list `to`; `from` is empty afterwards. */
static inline void list_move_all(struct list *from, struct list *to)
{
	assert(list_is_empty(to));
	if (list_is_empty(from))
		return;
	*to = *from;
	to->next->previous = to;
	to->previous->next = to;
	list_init(from);
}

#endif
