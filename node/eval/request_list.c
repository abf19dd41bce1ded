// Singly linked through the requests themselves, so that moving them between lists allocates
// nothing.
#include "node/eval/request_list.h"

#include <stddef.h>

void request_list_append(struct request_list *list, struct request *request) {
    request->next = NULL;
    if (list->last != NULL) {
        list->last->next = request;
    } else {
        list->first = request;
    }
    list->last = request;
    list->count++;
}

struct request *request_list_take(struct request_list *list) {
    struct request *request = list->first;
    if (request != NULL) {
        list->first = request->next;
        list->last = list->first == NULL ? NULL : list->last;
        list->count--;
    }
    return request;
}

void request_list_prepend(struct request_list *to, struct request_list *from) {
    if (from->count == 0) {
        return;
    }
    from->last->next = to->first;
    to->first = from->first;
    to->last = to->last == NULL ? from->last : to->last;
    to->count += from->count;
    *from = (struct request_list){0};
}
