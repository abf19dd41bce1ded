"""The work of the order_saga sample: plain functions from a task's input to its output.

The shop's books are files in a folder, one a deed: `ORDER.charge` says that the order was paid. A
deed that is done twice writes the same file twice.
"""

import os

from plain_tasks import BadInput, put_file

CARD_LIMIT = 1000


def order_reserve(task_input):
    """{books, order, items} → {reserved}"""
    if not task_input.get("items"):
        raise BadInput("an order of nothing")
    write_down(task_input, "reserve")
    return {"reserved": task_input["items"]}


def order_charge(task_input):
    """{books, order, amount} → {payment, paid}; the payment is named by the order, once and for all."""
    amount = float(task_input["amount"])
    if amount > CARD_LIMIT:
        raise BadInput(f"the card is good for {CARD_LIMIT}, not for {amount:g}")
    write_down(task_input, "charge")
    return {"payment": f"payment-{task_input['order']}", "paid": amount}


def order_ship(task_input):
    """{books, order, address} → {parcel}"""
    if not task_input.get("address"):
        raise BadInput("nobody knows where to")
    write_down(task_input, "ship")
    return {"parcel": f"parcel-{task_input['order']}"}


def order_refund(task_input):
    """{books, order} → {}: the opposite of order_charge."""
    write_down(task_input, "refund")
    return {}


def order_release(task_input):
    """{books, order} → {}: the opposite of order_reserve."""
    write_down(task_input, "release")
    return {}


def order_tell(task_input):
    """{order, news} → {message}"""
    return {"message": f"Your order {task_input['order']} {task_input['news']}."}


TASKS = (order_reserve, order_charge, order_ship, order_refund, order_release, order_tell)


def write_down(task_input, deed):
    os.makedirs(task_input["books"], exist_ok=True)
    put_file(os.path.join(task_input["books"], f"{task_input['order']}.{deed}"), b"")
