//! What all operations share: how a call is made, and what every answer has.

use crate::catalogue::Product;

/// The page.
pub(super) fn page() -> String {
    let versions: Vec<String> = Product::ALL
        .into_iter()
        .map(|product| format!("`{}` of {}", product.version(), product.name()))
        .collect();
    PAGE.replace("{versions}", &versions.join(", "))
}

const PAGE: &str = r#"# What all operations share

One address, one path (`/`), GET or POST. The operation, its version and its parameters say what is asked; the signature says
by whom.

## Common parameters

| Name | V3 header | V1 parameter | Meaning |
| --- | --- | --- | --- |
| Operation | `x-acs-action` | `Action` | its name, exact |
| Version | `x-acs-version` | `Version` | {versions} |
| Time | `x-acs-date` | `Timestamp` | UTC, `2026-01-02T03:04:05Z`; at most 15 minutes from the server's clock |
| Nonce | `x-acs-signature-nonce` | `SignatureNonce` | new with every request, repeated ones too; one that was used is refused for 31 minutes, after a restart as well where the request changed something |
| Access key | in `Authorization` | `AccessKeyId` | who calls |
| Method of the signature | in `Authorization` | `SignatureMethod`, `SignatureVersion` `1.0` | `ACS3-HMAC-SHA256`; `HMAC-SHA1`, `HMAC-SHA256` |
| Signature | in `Authorization` | `Signature` | see below |
| Digest of the body | `x-acs-content-sha256` | | SHA-256, small hexadecimal digits |
| Format of the answer | `accept`, or the parameter `Format` | `Format` | `JSON` (the default) or `XML` |
| Wait for nodes | `x-ravelin-wait`, with either signature | the same header | for how many seconds, 0 to 60, the answer to a change waits until nodes have confirmed it; see [below](#waiting-for-nodes) |

Parameters of the operation stand in the query, in a form body (`application/x-www-form-urlencoded`), or in both; of a name that
stands in both the body's value counts. Names are exact. Parameters that the operation does not know are ignored, but must be
signed like the others. An empty value counts as not given.

Lists and objects are read in every dialect that clients speak: JSON text (`Ids=["a","b"]`), numbered (`Ids.1=a&Ids.2=b`), and
numbered with fields (`Tag.1.Key=team`). The pages say which one the vendor's clients use.

## Signature V3

```text
CanonicalRequest = METHOD "\n" "/" "\n" CanonicalQuery "\n" CanonicalHeaders "\n" SignedHeaders "\n" hex(sha256(body))
StringToSign     = "ACS3-HMAC-SHA256" "\n" hex(sha256(CanonicalRequest))
Signature        = hex(hmac-sha256(secret, StringToSign))
Authorization: ACS3-HMAC-SHA256 Credential=<id>,SignedHeaders=<a;b;c>,Signature=<hex>
```

`CanonicalQuery` has the query's parameters, encoded and ordered by name. `CanonicalHeaders` has one line `name:value` for each
header of `SignedHeaders`, ordered by name; `host`, `x-acs-action`, `x-acs-version`, `x-acs-date`, `x-acs-signature-nonce` and
`x-acs-content-sha256` must be among them. Every page of an operation has a signed request to check a signer against.

## Signature V1

```text
StringToSign = METHOD "&" "%2F" "&" encode(CanonicalQuery)
Signature    = base64(hmac-sha1(secret "&", StringToSign))
```

`CanonicalQuery` has all parameters, those of the body among them, without `Signature`. Encoding leaves `A-Z a-z 0-9 - _ . ~` as
they are; a blank is `%20`.

## Answers

HTTP 200 and an object that has `RequestId` and the fields of the operation's page; `application/json;charset=utf-8` or
`text/xml;charset=utf-8`. In XML the root is the operation's name and `Response`, an object nests, and a list repeats its element.

| Header | Meaning |
| --- | --- |
| `x-acs-request-id` | the id of the request, as in the body; the server's log names it |
| `x-acs-trace-id` | the same id in small letters without dashes, as the vendor's tools expect it |
| `x-ravelin-generation` | the number of the change that the call made, the last one where it made several; absent where the call only reads, and where it was refused |
| `x-acs-retry-after` | with `Throttling.User`: after how many milliseconds to try again |
| `x-ravelin-mode` | `lenient`, where the server runs in its lenient mode |

A call that changes something is answered with 200 once the change is on disk.

## Waiting for nodes

A change that concerns nodes (a Leave of an interface that is bound to one, a rule of a group that such an interface is in) is in
force when each of them has read it back from its kernel and confirmed it. The answer can be held back until then:

1. for as long as the request's header `x-ravelin-wait: <seconds>` says; it need not be signed,
2. or else as the account's setting says (`ModifyAccountEnforcement`), for clients that send no headers of their own,
3. or else as the server's says (`ravelin serve --wait-for-enforcement`), which is not at all where nothing is set.

When all of them have confirmed in time, the answer is the usual one. A network interface whose device is not there holds nothing
up: nothing can pass by it, and `DescribeNetworkInterfaceBindings` says `Absent` of it. Otherwise it is `ens.interface.error`, whose message names
those that have not, and why. The change stays made, `x-ravelin-generation` has its number, and the nodes catch up by
themselves: `DescribeEnforcement` shows when. A change that concerns no node is answered at once. So is a request that finds its
change made already, also where nodes have not confirmed that yet: it waits for nothing, and `DescribeEnforcement` with the number
of the change shows how far it is. Only in the lenient mode, where a Leave that is repeated succeeds, it waits for the first one. A
header that is no whole number from 0 to 60 is `InvalidParameter`, whatever is called, and nothing is changed.

## Errors

```json
{
  "RequestId": "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
  "HostId": "127.0.0.1:8017",
  "Code": "InvalidSecurityGroupId.NotFound",
  "Message": "The specified SecurityGroupId does not exist.",
  "Recommend": "http://127.0.0.1:8017/errors/InvalidSecurityGroupId.NotFound?product=Ens&requestId=473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E"
}
```

In XML the root is `Error`. Where permission is wanting, `AccessDeniedDetail` says what was not permitted: the action (`AuthAction`),
the resource (`AuthResource`), and whether a policy denies it or none allows it (`NoPermissionType`: `ExplicitDeny` or `ImplicitDeny`).
Checks are made in this order, and the first that fails answers: transport and method; operation and
version; access key; time; signature; nonce; token; flow control; RAM; parameters (missing, then malformed, then such as exclude
each other); what the request names (the group, then the target); its state; its membership. Another account's resources do not
exist for the caller. The [list of codes](error-codes.md) is complete.

## Who may call what

An account's root key may do everything in its account. A RAM user may do what a policy attached to it allows and none denies. The
page of each operation names its action. `AliyunENSFullAccess` allows all of ENS, `AliyunENSReadOnlyAccess` what only reads;
`RavelinFullAccess` and `RavelinReadOnlyAccess` are the same for what ENS does not have;
policies of one's own are made with `CreatePolicy`. The conditions `acs:SourceIp`, `acs:SecureTransport` and `acs:CurrentTime` are
understood; a document that is not understood is refused when it is written.
"#;
