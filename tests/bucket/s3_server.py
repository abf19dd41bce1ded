"""A server that speaks S3, on a port of its own: moto's, which checks signatures with the vendor's own
library, independently of ours. It keeps everything in memory."""

import json
import os
import subprocess
import sys
import urllib.request

import boto3

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "harness"))

from server import free_port, wait_for  # noqa: E402

REGION = "eu-west-1"
FREE_ACTIONS = 5  # that need no valid key: those of `open`
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


class S3Server:
    """Use as a context manager: leaving ends it."""

    def __init__(self):
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.key = None

    def client(self, service, key):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    def open(self, bucket):
        """A bucket, and a key that may do everything in it. From here on keys are looked at."""
        iam = self.client("iam", {"AccessKeyId": "any", "SecretAccessKey": "any"})
        iam.create_user(UserName="orpheus")
        self.key = iam.create_access_key(UserName="orpheus")["AccessKey"]
        iam.put_user_policy(UserName="orpheus", PolicyName="all", PolicyDocument=json.dumps(ALL))
        self.client("s3", self.key).create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def environment(self, **changes):
        """What a command needs that speaks to it. A change to None takes a variable away."""
        wanted = {
            "AWS_ACCESS_KEY_ID": self.key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self.key["SecretAccessKey"],
            "AWS_REGION": REGION,
            **changes,
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**others, **{name: value for name, value in wanted.items() if value is not None}}

    def objects(self, bucket):
        pages = self.client("s3", self.key).get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {one["Key"]: one["Size"] for page in pages for one in page.get("Contents", [])}

    def __enter__(self):
        words = ["-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, *words],
            env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(FREE_ACTIONS)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(lambda: answers(self.endpoint), 60, "the S3 server")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
