"""boto3 as programs use it: the client, managed transfers, presigning with both signatures,
paginators, waiters and the resource layer, over plain HTTP, TLS and virtual-host addressing."""

import base64
import contextlib
import hashlib
import http.client
import io
import os
import pathlib
import socket
import sys
import threading
import traceback
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MEBIBYTE = 1024 * 1024
ENDPOINT = os.environ["HOLDFAST_ENDPOINT"]
TLS_ENDPOINT = os.environ["HOLDFAST_TLS_ENDPOINT"]
CERTIFICATE = os.environ["HOLDFAST_CERTIFICATE"]
WORK = pathlib.Path(os.environ["COMPATIBILITY_DIRECTORY"]) / "boto3"
SAMPLES = pathlib.Path(os.environ["COMPATIBILITY_DIRECTORY"]) / "samples"
BUCKET = f"boto3-{os.getpid()}"
IN_PARTS = TransferConfig(
    multipart_threshold=5 * MEBIBYTE, multipart_chunksize=5 * MEBIBYTE, max_concurrency=4
)

STEPS: list[tuple[str, Callable[[], None]]] = []


def step(name: str):
    def register(function: Callable[[], None]) -> Callable[[], None]:
        STEPS.append((name, function))
        return function

    return register


def connect(endpoint: str = ENDPOINT, **settings):
    verify = CERTIFICATE if endpoint.startswith("https") else None
    return boto3.client("s3", endpoint_url=endpoint, verify=verify, config=Config(**settings))


client = connect()


def read(bucket: str, key: str, **arguments) -> bytes:
    return client.get_object(Bucket=bucket, Key=key, **arguments)["Body"].read()


@contextlib.contextmanager
def refused(code: str, status: int) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        answer = error.response
        found = (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"])
        assert found == (code, status), f"expected {(code, status)}, got {found}"
    else:
        raise AssertionError(f"succeeded, but should have been refused with {code}")


def fetch(url: str, method: str = "GET", body: bytes | None = None, **headers: str):
    request = urllib.request.Request(url, data=body, method=method)
    # urllib would add a content type of its own, which a version 2 signature does not cover.
    request.add_header("Content-Type", headers.pop("content_type", ""))
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@step("create and wait for a bucket")
def create_bucket() -> None:
    with refused("404", 404):
        client.head_bucket(Bucket=BUCKET)
    client.create_bucket(Bucket=BUCKET)
    client.get_waiter("bucket_exists").wait(Bucket=BUCKET)
    assert BUCKET in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    elsewhere = {"LocationConstraint": "eu-west-1"}
    with refused("IllegalLocationConstraintException", 400):
        connect(region_name="eu-central-1").create_bucket(
            Bucket=f"{BUCKET}-elsewhere", CreateBucketConfiguration=elsewhere
        )


@step("put, get and head objects of odd sizes and names")
def put_odd_files() -> None:
    for path in sorted(p for p in (SAMPLES / "tree").rglob("*") if p.is_file()):
        key = "tree/" + path.relative_to(SAMPLES / "tree").as_posix()
        data = path.read_bytes()
        etag = client.put_object(Bucket=BUCKET, Key=key, Body=data)["ETag"]
        assert etag == f'"{hashlib.md5(data).hexdigest()}"', key
        assert read(BUCKET, key) == data, key
        assert client.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == len(data), key


@step("keys that paths and XML make awkward")
def put_awkward_keys() -> None:
    keys = ["/leading", "a//b", "./dot", "../up", "a/./b", "a/../b", "end/", " ", "+", "%", "%2F",
            "<&>\"'", "tab\tkey", "line\nkey", "\u00e9", "e\u0301", "\U0001f600", "~" * 1024]
    for key in keys:
        client.put_object(Bucket=BUCKET, Key="odd:" + key if len(key) < 1000 else key, Body=key.encode())
    wanted = sorted("odd:" + key if len(key) < 1000 else key for key in keys)
    for prefix in ("odd:", "~~"):
        listed = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
        assert [entry["Key"] for entry in listed] == [k for k in wanted if k.startswith(prefix)]
    for key in wanted:
        assert read(BUCKET, key) == key.removeprefix("odd:").encode(), repr(key)
    for bare in ["a/../b", "./dot", "../up", "//", "."]:
        client.put_object(Bucket=BUCKET, Key=bare, Body=b"bare")
        assert read(BUCKET, bare) == b"bare", bare
        client.delete_object(Bucket=BUCKET, Key=bare)
    deleted = client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": k} for k in wanted]})
    assert sorted(entry["Key"] for entry in deleted["Deleted"]) == wanted
    with refused("KeyTooLongError", 400):
        client.put_object(Bucket=BUCKET, Key="k" * 1025)


@step("metadata and headers come back as they were sent")
def headers_come_back() -> None:
    sent = {
        "ContentType": "text/x-odd; charset=utf-8", "ContentEncoding": "gzip",
        "ContentLanguage": "de, en", "ContentDisposition": "attachment; filename=x",
        "CacheControl": "no-store", "StorageClass": "STANDARD_IA",
        "Metadata": {"colour": "blue", "with-dash": "a  b", "unicode": "z"},
    }
    client.put_object(Bucket=BUCKET, Key="headers", Body=b"body", **sent)
    answer = client.head_object(Bucket=BUCKET, Key="headers")
    assert {name: answer[name] for name in sent} == sent
    overridden = client.get_object(
        Bucket=BUCKET, Key="headers", ResponseContentType="a/b", ResponseCacheControl="c"
    )
    assert (overridden["ContentType"], overridden["CacheControl"]) == ("a/b", "c")


@step("ranges and conditions")
def ranges_and_conditions() -> None:
    data = (SAMPLES / "tree/odd.bin").read_bytes()
    key = "tree/odd.bin"
    for text, expected in {
        "bytes=0-0": data[:1], "bytes=100-": data[100:], "bytes=-7": data[-7:],
        "bytes=65000-99999": data[65000:],
    }.items():
        answer = client.get_object(Bucket=BUCKET, Key=key, Range=text)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert answer["Body"].read() == expected, text
    with refused("InvalidRange", 416):
        read(BUCKET, key, Range="bytes=70000-")
    etag = client.head_object(Bucket=BUCKET, Key=key)["ETag"]
    assert read(BUCKET, key, IfMatch=etag) == data
    with refused("304", 304):
        read(BUCKET, key, IfNoneMatch=etag)
    with refused("PreconditionFailed", 412):
        read(BUCKET, key, IfMatch='"other"')
    with refused("PreconditionFailed", 412):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"", IfNoneMatch="*")


@step("racing If-None-Match writers: exactly one wins")
def racing_writers() -> None:
    outcomes: list[int] = []

    def write(number: int) -> None:
        try:
            connect(retries={"total_max_attempts": 1}).put_object(
                Bucket=BUCKET, Key="race", Body=str(number).encode(), IfNoneMatch="*"
            )
            outcomes.append(200)
        except ClientError as error:
            outcomes.append(error.response["ResponseMetadata"]["HTTPStatusCode"])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(outcomes) - {409, 412}) == [200] and outcomes.count(200) == 1, outcomes


@step("managed transfers: files, in parts")
def managed_files() -> None:
    path = SAMPLES / "big/twenty-mebibytes.bin"
    target = WORK / "managed.bin"
    client.upload_file(str(path), BUCKET, "managed", Config=IN_PARTS,
                       ExtraArgs={"Metadata": {"managed": "yes"}})
    head = client.head_object(Bucket=BUCKET, Key="managed")
    assert head["ETag"].endswith('-5"') and head["Metadata"] == {"managed": "yes"}
    client.download_file(BUCKET, "managed", str(target), Config=IN_PARTS)
    assert target.read_bytes() == path.read_bytes()
    client.copy({"Bucket": BUCKET, "Key": "managed"}, BUCKET, "managed copy", Config=IN_PARTS)
    assert read(BUCKET, "managed copy") == path.read_bytes()
    assert client.head_object(Bucket=BUCKET, Key="managed copy")["Metadata"] == {"managed": "yes"}
    part = client.get_object(Bucket=BUCKET, Key="managed", PartNumber=5)
    assert part["PartsCount"] == 5 and part["Body"].read() == path.read_bytes()[20 * MEBIBYTE:]


@step("managed transfers: streams without a known length")
def managed_streams() -> None:
    data = (SAMPLES / "big/above-multipart.bin").read_bytes()

    class Unseekable(io.RawIOBase):
        def __init__(self) -> None:
            self.rest = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self.rest.read(size)

    client.upload_fileobj(Unseekable(), BUCKET, "streamed", Config=IN_PARTS)
    received = io.BytesIO()
    client.download_fileobj(BUCKET, "streamed", received, Config=IN_PARTS)
    assert received.getvalue() == data


@step("TLS: checksums in trailers, for each algorithm")
def trailing_checksums() -> None:
    secure = connect(TLS_ENDPOINT)
    secure.create_bucket(Bucket=BUCKET)
    data = (SAMPLES / "tree/odd.bin").read_bytes()
    sent: list[str] = []
    secure.meta.events.register(
        "before-send.s3.PutObject",
        lambda request, **_: sent.append(request.headers["X-Amz-Content-SHA256"].decode()),
    )
    for algorithm in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "XXHASH64",
                      "XXHASH3", "XXHASH128"]:
        for body in (data, b""):
            answer = secure.put_object(
                Bucket=BUCKET, Key=algorithm, Body=io.BytesIO(body), ChecksumAlgorithm=algorithm
            )
            head = secure.head_object(Bucket=BUCKET, Key=algorithm, ChecksumMode="ENABLED")
            member = f"Checksum{algorithm}"
            assert answer[member] == head[member], algorithm
            # boto3 verifies the checksum while it reads.
            got = secure.get_object(Bucket=BUCKET, Key=algorithm, ChecksumMode="ENABLED")
            assert got["Body"].read() == body, algorithm
    assert set(sent) == {"STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, sent
    crc32 = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    assert secure.put_object(Bucket=BUCKET, Key="crc", Body=data)["ChecksumCRC32"] == crc32
    secure.upload_file(str(SAMPLES / "big/twenty-mebibytes.bin"), BUCKET, "parts", Config=IN_PARTS)
    received = io.BytesIO()
    secure.download_fileobj(BUCKET, "parts", received, Config=IN_PARTS)
    assert received.getvalue() == (SAMPLES / "big/twenty-mebibytes.bin").read_bytes()


@step("checksums of multipart uploads: composite and full object")
def multipart_checksums() -> None:
    parts = [(SAMPLES / "big/five-mebibytes.bin").read_bytes(), b"the end"]
    for algorithm, kind in [("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"),
                            ("CRC32C", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT"),
                            ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE")]:
        key, member = f"multipart {algorithm} {kind}", f"Checksum{algorithm}"
        upload = client.create_multipart_upload(
            Bucket=BUCKET, Key=key, ChecksumAlgorithm=algorithm, ChecksumType=kind
        )["UploadId"]
        sent = []
        for number, data in enumerate(parts, start=1):
            answer = client.upload_part(
                Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=data,
                ChecksumAlgorithm=algorithm,
            )
            sent.append({"PartNumber": number, "ETag": answer["ETag"], member: answer[member]})
        done = client.complete_multipart_upload(
            Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": sent}
        )
        assert done["ChecksumType"] == kind, done
        whole = client.put_object(
            Bucket=BUCKET, Key="whole", Body=b"".join(parts), ChecksumAlgorithm=algorithm
        )
        if kind == "FULL_OBJECT":
            assert done[member] == whole[member], key
        else:
            assert done[member].endswith("-2"), key
        attributes = client.get_object_attributes(
            Bucket=BUCKET, Key=key, ObjectAttributes=["Checksum", "ObjectParts", "ETag"]
        )
        assert attributes["Checksum"][member] == done[member].removesuffix("-2"), attributes
        assert read(BUCKET, key, ChecksumMode="ENABLED") == b"".join(parts)


@step("presigned with the default signature")
def presigned_default() -> None:
    presigned(client, "presigned default")
    url = client.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "x"})
    assert "AWSAccessKeyId=" in url, "boto3 no longer presigns with version 2 by default"


@step("presigned with signature version 4")
def presigned_version_4() -> None:
    presigned(connect(signature_version="s3v4"), "presigned v4")


def presigned(signer, key: str) -> None:
    data = b"presigned \x00\xff" * 999
    target = {"Bucket": BUCKET, "Key": key + " ü+&?.bin"}
    put = signer.generate_presigned_url("put_object", target, ExpiresIn=60)
    assert fetch(put, "PUT", data) [0] == 200
    get = signer.generate_presigned_url("get_object", target, ExpiresIn=60)
    assert fetch(get) == (200, data)
    override = {**target, "ResponseContentDisposition": 'attachment; filename="a b.txt"'}
    with urllib.request.urlopen(signer.generate_presigned_url("get_object", override)) as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="a b.txt"'
    status, body = fetch(get.replace("presigned", "resigned", 1))
    assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body, (status, body)
    expired = signer.generate_presigned_url("get_object", target, ExpiresIn=1)
    threading.Event().wait(2.1)
    status, body = fetch(expired)
    assert status == 403 and b"<Code>AccessDenied</Code>" in body, (status, body)
    head = signer.generate_presigned_url("head_object", target)
    assert fetch(head, "HEAD") == (200, b"")
    assert fetch(signer.generate_presigned_url("delete_object", target), "DELETE")[0] == 204


@step("signature version 2 in the header")
def signature_version_2() -> None:
    old = connect(signature_version="s3")
    old.put_object(Bucket=BUCKET, Key="old ü/+", Body=b"old", Metadata={"b": "2", "a": "1"})
    assert old.get_object(Bucket=BUCKET, Key="old ü/+")["Body"].read() == b"old"
    assert old.list_objects_v2(Bucket=BUCKET, Prefix="old")["KeyCount"] == 1
    old.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "old ü/+"}]})
    wrong = boto3.client("s3", endpoint_url=ENDPOINT, aws_secret_access_key="wrong",
                         aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
                         config=Config(signature_version="s3"))
    with refused("SignatureDoesNotMatch", 403):
        wrong.list_objects_v2(Bucket=BUCKET)


@step("wrong keys and unsigned requests are refused")
def refused_callers() -> None:
    def signed_by(access: str, secret: str):
        return boto3.client("s3", endpoint_url=ENDPOINT, aws_access_key_id=access,
                            aws_secret_access_key=secret)

    with refused("SignatureDoesNotMatch", 403):
        signed_by(os.environ["AWS_ACCESS_KEY_ID"], "wrong").list_buckets()
    with refused("InvalidAccessKeyId", 403):
        signed_by("AKIAUNKNOWNUNKNOWN00", "wrong").list_buckets()
    with refused("AccessDenied", 403):
        from botocore import UNSIGNED

        connect(signature_version=UNSIGNED).get_object(Bucket=BUCKET, Key="headers")


@step("paginators")
def paginators() -> None:
    for number in range(25):
        client.put_object(Bucket=BUCKET, Key=f"page/{number % 5}/{number:03}", Body=b"")
    for operation in ("list_objects", "list_objects_v2"):
        pages = client.get_paginator(operation).paginate(
            Bucket=BUCKET, Prefix="page/", PaginationConfig={"PageSize": 7}
        )
        keys = [entry["Key"] for page in pages for entry in page["Contents"]]
        assert keys == sorted(f"page/{n % 5}/{n:03}" for n in range(25)), operation
        pages = client.get_paginator(operation).paginate(
            Bucket=BUCKET, Prefix="page/", Delimiter="/", PaginationConfig={"PageSize": 2}
        )
        prefixes = [entry["Prefix"] for page in pages for entry in page["CommonPrefixes"]]
        assert prefixes == [f"page/{n}/" for n in range(5)], operation
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=BUCKET, Prefix="page/", PaginationConfig={"PageSize": 6}
    )
    versions = [version for page in pages for version in page["Versions"]]
    assert len(versions) == 25 and {version["VersionId"] for version in versions} == {"null"}
    upload = {"Bucket": BUCKET, "Key": "page"}
    ids = sorted(client.create_multipart_upload(**upload)["UploadId"] for _ in range(5))
    pages = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=BUCKET, PaginationConfig={"PageSize": 2}
    )
    assert sorted(entry["UploadId"] for page in pages for entry in page["Uploads"]) == ids
    for number in range(1, 8):
        client.upload_part(**upload, UploadId=ids[0], PartNumber=number, Body=b"part")
    pages = client.get_paginator("list_parts").paginate(
        **upload, UploadId=ids[0], PaginationConfig={"PageSize": 3}
    )
    assert [part["PartNumber"] for page in pages for part in page["Parts"]] == list(range(1, 8))
    for upload_id in ids:
        client.abort_multipart_upload(**upload, UploadId=upload_id)


@step("waiters for objects")
def waiters() -> None:
    client.put_object(Bucket=BUCKET, Key="awaited", Body=b"")
    client.get_waiter("object_exists").wait(Bucket=BUCKET, Key="awaited")
    client.delete_object(Bucket=BUCKET, Key="awaited")
    client.get_waiter("object_not_exists").wait(Bucket=BUCKET, Key="awaited")


@step("versions through the resource layer")
def versions() -> None:
    bucket = boto3.resource("s3", endpoint_url=ENDPOINT).Bucket(BUCKET + "-versions")
    bucket.create()
    bucket.put_object(Key="plain", Body=b"before versioning")
    bucket.Versioning().enable()
    assert bucket.Versioning().status == "Enabled"
    first = bucket.put_object(Key="plain", Body=b"first").version_id
    bucket.put_object(Key="plain", Body=b"second")
    bucket.Object("plain").delete()
    # The resource layer lists the versions of a page before its delete markers.
    *kept, marker = bucket.object_versions.filter(Prefix="plain")
    assert len(kept) == 3 and kept[1].id == first and kept[2].id == "null", kept
    assert marker.is_latest and not any(version.is_latest for version in kept)
    assert bucket.Object("plain").Version(first).get()["Body"].read() == b"first"
    assert bucket.Object("plain").Version("null").get()["Body"].read() == b"before versioning"
    with refused("NoSuchKey", 404):
        bucket.Object("plain").get()
    with refused("MethodNotAllowed", 405):
        bucket.Object("plain").Version(marker.id).get()
    marker.delete()
    assert bucket.Object("plain").get()["Body"].read() == b"second"
    client.copy_object(Bucket=bucket.name, Key="restored",
                       CopySource={"Bucket": bucket.name, "Key": "plain", "VersionId": first})
    assert bucket.Object("restored").get()["Body"].read() == b"first"
    bucket.Versioning().suspend()
    assert bucket.put_object(Key="plain", Body=b"suspended").version_id in (None, "null")
    with refused("BucketNotEmpty", 409):
        bucket.delete()
    bucket.object_versions.delete()
    bucket.delete()
    bucket.wait_until_not_exists()


@step("virtual-host addressing")
def virtual_hosts() -> None:
    # A client that was told of the domain sends the bucket in the host name; here every name
    # under localhost leads to the loopback address, which not every resolver knows by itself.
    resolve = socket.getaddrinfo

    def resolve_locally(host, *rest, **named):
        local = host.endswith("localhost") if isinstance(host, str) else False
        return resolve("127.0.0.1" if local else host, *rest, **named)

    socket.getaddrinfo = resolve_locally
    try:
        port = os.environ["HOLDFAST_PORT"]
        hosted = connect(f"http://localhost:{port}", s3={"addressing_style": "virtual"},
                         signature_version="s3v4")
        for name in (BUCKET + "-hosted", BUCKET + ".with.dots"):
            hosted.create_bucket(Bucket=name)
            hosted.put_object(Bucket=name, Key="a/ü b", Body=b"hosted")
            assert hosted.get_object(Bucket=name, Key="a/ü b")["Body"].read() == b"hosted"
            assert read(name, "a/ü b") == b"hosted", "the same object by path"
            url = hosted.generate_presigned_url("get_object", {"Bucket": name, "Key": "a/ü b"})
            assert urllib.parse.urlsplit(url).hostname == f"{name}.localhost", url
            assert fetch(url) == (200, b"hosted")
            assert hosted.list_objects_v2(Bucket=name)["KeyCount"] == 1
            old = connect(f"http://localhost:{port}", s3={"addressing_style": "virtual"},
                          signature_version="s3")
            assert old.get_object(Bucket=name, Key="a/ü b")["Body"].read() == b"hosted"
            hosted.delete_object(Bucket=name, Key="a/ü b")
            hosted.delete_bucket(Bucket=name)
    finally:
        socket.getaddrinfo = resolve


@step("a client that vanishes in the middle leaves nothing")
def vanishing_client() -> None:
    url = client.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": "vanished"})
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc)
    connection.putrequest("PUT", f"{address.path}?{address.query}")
    connection.putheader("Content-Length", "1000000")
    connection.endheaders()
    connection.send(b"x" * 500_000)
    connection.close()
    with refused("404", 404):
        client.head_object(Bucket=BUCKET, Key="vanished")


@step("empty and delete the bucket through the resource layer")
def remove_everything() -> None:
    bucket = boto3.resource("s3", endpoint_url=ENDPOINT).Bucket(BUCKET)
    with refused("BucketNotEmpty", 409):
        bucket.delete()
    assert sum(len(answer["Deleted"]) for answer in bucket.objects.all().delete()) > 40
    assert list(bucket.objects.all()) == []
    bucket.delete()
    client.get_waiter("bucket_not_exists").wait(Bucket=BUCKET)


def main() -> int:
    WORK.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, function in STEPS:
        try:
            function()
            print(f"ok    boto3: {name}", flush=True)
        except Exception:  # noqa: BLE001 - whatever went wrong, the other steps still count
            failed += 1
            print(f"FAIL  boto3: {name}", flush=True)
            for line in traceback.format_exc().splitlines()[-30:]:
                print(f"      | {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
