// A doubly linked list; the order is by construction.
#include "node/http/wait_list.h"

void wait_list_add(struct wait_list *list, struct wait_node *node, mono_time now) {
    node->deadline.ns = now.ns + list->duration_ns;
    node->next = NULL;
    node->previous = list->last;
    if (list->last != NULL) {
        list->last->next = node;
    } else {
        list->first = node;
    }
    list->last = node;
}

void wait_list_remove(struct wait_list *list, struct wait_node *node) {
    if (node->previous != NULL) {
        node->previous->next = node->next;
    } else {
        list->first = node->next;
    }
    if (node->next != NULL) {
        node->next->previous = node->previous;
    } else {
        list->last = node->previous;
    }
    node->previous = NULL;
    node->next = NULL;
}

struct wait_node *wait_list_due(const struct wait_list *list, mono_time now) {
    struct wait_node *first = list->first;
    bool is_due = first != NULL && list->duration_ns > 0 && first->deadline.ns <= now.ns;
    return is_due ? first : NULL;
}
