#!/usr/bin/env python3
"""Recomputes record digests with nothing of ours: Python's standard library alone.

Reads JSON from standard input: consent-records.json, or what GET /v1/consents/{token} and
GET /tool/v1/consents/{token} answer. Prints the record digest of each record, one a line, and ends with 1 at the first
thing that does not fit.
"""

import base64
import hashlib
import json
import sys


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def digest_of(disclosure):
    return base64url(hashlib.sha256(disclosure.encode("ascii")).digest())


def opened(disclosure):
    padded = disclosure + "=" * (-len(disclosure) % 4)
    return json.loads(base64.urlsafe_b64decode(padded).decode("utf-8"))


def record_digest(digests):
    # All ASCII: for this object json.dumps writes the bytes that RFC 8785 asks for.
    record = {"typ": "holdfast.consent/1", "_sd_alg": "sha-256", "_sd": sorted(digests)}
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def check(fits, what):
    if not fits:
        sys.exit("does not fit: " + what)


def check_vector(vector):
    for field in vector["disclosures"]:
        check(opened(field["disclosure"]) == [field["salt"], field["name"], field["value"]], field["name"])
        check(digest_of(field["disclosure"]) == field["digest"], "digest of " + field["name"])
        check(len(base64.urlsafe_b64decode(field["salt"] + "==")) >= 16, "salt of " + field["name"])
    check(sorted(field["digest"] for field in vector["disclosures"]) == vector["_sd"], "_sd of " + vector["name"])
    check(record_digest(vector["_sd"]) == vector["record_digest"], "record digest of " + vector["name"])
    return vector["record_digest"]


def check_answer(answer):
    digests = answer["_sd"]
    for disclosure in answer["disclosures"]:
        check(digest_of(disclosure) in digests, disclosure)
        _, name, value = opened(disclosure)
        check(answer["record"][name] == value, name)
    check(len(answer["record"]) == len(answer["disclosures"]), "number of fields")
    digest = record_digest(digests)
    check((answer.get("proofHash") or answer.get("proof_hash")) == "sha256:" + digest, "proof hash")
    return digest


given = json.load(sys.stdin)
if "records" in given:
    for one in given["records"]:
        print(check_vector(one))
else:
    print(check_answer(given.get("data", given)))
