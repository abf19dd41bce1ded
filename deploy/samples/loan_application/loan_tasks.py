"""The work of the loan_application sample: plain functions from a task's input to its output."""

from plain_tasks import BadInput


def loan_check_application(task_input):
    """{applicant, income, amount} → {valid: yes|no, missing}"""
    missing = [name for name in ("applicant", "income", "amount") if task_input.get(name) in (None, "")]
    return {"valid": "no" if missing else "yes", "missing": missing}


def loan_check_credit(task_input):
    """{income, amount} → {score, recommendation: approve|review|reject}"""
    income, amount = float(task_input["income"]), float(task_input["amount"])
    if income < 0 or amount <= 0:
        raise BadInput("income and amount are sums of money")
    score = round(100 * income / (income + amount))
    return {
        "score": score,
        "recommendation": "approve" if score >= 60 else "review" if score >= 30 else "reject",
    }


def loan_pay_out(task_input):
    """{applicant, amount, payment} → {payment, paid}

    `payment` names the payment once and for all: a bank that is told twice pays once.
    """
    return {"payment": task_input["payment"], "paid": task_input["amount"]}


def loan_notify(task_input):
    """{applicant, decision} → {message}"""
    return {"message": f"Dear {task_input['applicant']}, your loan was {task_input['decision']}."}


TASKS = (loan_check_application, loan_check_credit, loan_pay_out, loan_notify)
