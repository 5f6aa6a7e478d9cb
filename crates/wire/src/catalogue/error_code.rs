//! Every error code of the service, once: code, HTTP status, message, meaning.
//!
//! The list of error codes in the reference and the pages behind `Recommend` are printed from here.

/// An error code. `%s` in code or message stands for a name or a detail.
#[derive(Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// The code, such as `InvalidParameter.%s`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The message, as it is sent.
    pub message: &'static str,
    /// What it means and what to do, for people.
    pub meaning: &'static str,
}

impl ErrorCode {
    /// Whether a code that was sent is this one.
    pub fn matches(&self, code: &str) -> bool {
        match self.code.split_once("%s") {
            Some((before, after)) => code
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|name| !name.is_empty()),
            None => self.code == code,
        }
    }
}

macro_rules! codes {
    ($($name:ident: $code:literal, $status:literal, $message:literal, $meaning:literal;)*) => {
        $(#[doc = concat!("`", $code, "`")]
        pub static $name: ErrorCode =
            ErrorCode { code: $code, status: $status, message: $message, meaning: $meaning };)*

        /// Every code.
        pub static ALL: &[&ErrorCode] = &[$(&$name),*];
    };
}

codes! {
    // The gateway: every operation's.
    MISSING_PARAMETER: "MissingParameter", 400,
        "The input parameter that is mandatory for processing this request is not supplied.",
        "A parameter that must be given is missing or empty. The operation's page lists the required ones; of `InstanceId` and `NetworkInterfaceId` one is needed.";
    NO_PERMISSION: "NoPermission", 400, "Permission denied.",
        "No policy attached to the caller allows the action, or one denies it. `AccessDeniedDetail` in the answer says which action (`AuthAction`), for which resource (`AuthResource`), and whether a policy denies it (`NoPermissionType`). Attach a policy that allows it, such as AliyunENSFullAccess for ENS or RavelinFullAccess for what ENS does not have.";
    INVALID_PARAMETER_NAMED: "InvalidParameter.%s", 400,
        "The specified field %s invalid. Please check it again.",
        "The named parameter is malformed: wrong type, length, character or range. The operation's page says what it must look like.";
    INVALID_PARAMETER: "InvalidParameter", 400, "The errorMessage is %s. Please check it again.",
        "The parameters are well-formed, but do not fit each other or what exists. The message says which and why.";
    MISSING_SIGNATURE_NONCE: "MissingSignatureNonce", 400, "SignatureNonce is mandatory for this action.",
        "The request carries no nonce: neither the parameter `SignatureNonce` nor the header `x-acs-signature-nonce`.";
    MISSING_SIGNATURE_METHOD: "MissingSignatureMethod", 400, "SignatureMethod is mandatory for this action.",
        "A V1 request must name its signature method: HMAC-SHA1 or HMAC-SHA256.";
    MISSING_SIGNATURE_VERSION: "MissingSignatureVersion", 400, "SignatureVersion is mandatory for this action.",
        "A V1 request must name its signature version: 1.0.";
    INVALID_ACTION_NOT_FOUND: "InvalidAction.NotFound", 404,
        "Specified api is not found, please check your url and method.",
        "The API version has no operation of this name. Names are case-sensitive.";
    INVALID_VERSION: "InvalidVersion", 400, "Specified parameter Version is not valid.",
        "No product has this API version. ENS is 2017-11-10, RAM 2015-05-01, STS 2015-04-01, Ravelin 2026-11-22.";
    INVALID_ACCESS_KEY_ID_NOT_FOUND: "InvalidAccessKeyId.NotFound", 404, "Specified access key is not found.",
        "The server knows no access key with this id.";
    INVALID_ACCESS_KEY_ID_INACTIVE: "InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled.",
        "The access key is switched off. UpdateAccessKey switches it on.";
    SIGNATURE_DOES_NOT_MATCH: "SignatureDoesNotMatch", 400,
        "Specified signature is not matched with our calculation.",
        "The signature is not the one that the secret gives. The message carries what the server signed: compare it with what the client signed. If both are equal, the secret is wrong.";
    INCOMPLETE_SIGNATURE: "IncompleteSignature", 400, "The request signature does not conform to Aliyun standards.",
        "The signature is not well-formed, or does not cover what it must.";
    INVALID_TIME_STAMP_EXPIRED: "InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired.",
        "The time of the request is more than 15 minutes from the server's. Set the client's clock.";
    INVALID_TIME_STAMP_FORMAT: "InvalidTimeStamp.Format", 400,
        "Specified time stamp or date value is not well formatted.",
        "Times are UTC and look like 2026-01-02T03:04:05Z.";
    SIGNATURE_NONCE_USED: "SignatureNonceUsed", 400, "Specified signature nonce was used already.",
        "The server has seen this very nonce from this access key. Every request, repeated ones too, needs a new one.";
    INVALID_SIGNATURE_METHOD: "InvalidSignatureMethod", 400, "Specified signature method is not valid.",
        "Signature methods are HMAC-SHA1, HMAC-SHA256 and ACS3-HMAC-SHA256.";
    UNSUPPORTED_SIGNATURE_METHOD: "UnsupportedSignatureMethod", 400,
        "Specified signature method is not supported.",
        "The method exists, but this server does not take it. Use HMAC-SHA1, HMAC-SHA256 or ACS3-HMAC-SHA256.";
    INVALID_SECURITY_TOKEN_MALFORMED: "InvalidSecurityToken.Malformed", 400,
        "Specified SecurityToken is malformed.",
        "The request carries a security token. This server has given none out; use an access key without a token.";
    MISSING_SECURITY_TOKEN: "MissingSecurityToken", 400, "SecurityToken is mandatory for this action.",
        "The access key is a temporary one (`STS.`) and needs its token.";
    THROTTLING_USER: "Throttling.User", 429, "Request was denied due to user flow control.",
        "The caller sends more requests than the server's flow control allows. Wait as long as `x-acs-retry-after` says (milliseconds) and send it again.";
    UNSUPPORTED_HTTP_METHOD: "UnsupportedHTTPMethod", 400, "This http method is not supported.",
        "The operation does not take this HTTP method. Its page says which it takes.";
    INVALID_REQUEST: "InvalidRequest", 400, "The request is not valid: %s.",
        "The request cannot be read at all: bad percent-encoding, bad UTF-8, too many parameters, a body of another type.";
    REQUEST_TOO_LARGE: "RequestEntityTooLarge", 413, "The request is larger than the server takes.",
        "Body or address of the request exceed the server's limits.";
    SERVICE_UNAVAILABLE: "ServiceUnavailable", 503,
        "The request has failed due to a temporary failure of the server.",
        "The server cannot answer at this moment: it is starting, stopping, overloaded or recovering its storage. Send the request again later; whether a change was made can be seen by describing the resource.";
    INTERNAL_ERROR: "InternalError", 500,
        "The request processing has failed due to some unknown error, exception or failure.",
        "A defect of the server. Its log names it under the request id.";
    CALL_INTERFACE: "CallInterface", 400, "Call Interface Happen Error.",
        "An error occurred when you call the operation. The change could not be made durable: nothing changed, and it is safe to send the request again.";

    // Security groups.
    SECURITY_GROUP_NOT_FOUND: "InvalidSecurityGroupId.NotFound", 400,
        "The specified SecurityGroupId does not exist.",
        "The specified security group ID does not exist, or belongs to another account.";
    RULE_DUPLICATED: "SecurityGroupRuleConflict.Duplicated", 400, "The SecurityGroup rule already exists.",
        "Duplicate security group rules: the group has this very rule already, or the request names it twice.";
    RULE_LIMIT: "AuthorizationLimitExceed", 400,
        "The limit of authorization records in the security group reaches.",
        "The number of security group rules exceeds the limit: that of one group, or that of all groups of one network interface together, which can be enforced for at most 1,024.";
    RULE_NOT_FOUND: "SecurityGroupRule.NotFound", 400, "The input security group rule does not exist.",
        "The group has no rule with exactly this content. DescribeSecurityGroupAttribute shows what it has.";
    INCORRECT_INSTANCE_STATUS: "IncorrectInstanceStatus", 400,
        "The current status of the resource does not support this operation.",
        "The current operation is not supported. The disk is being reset, the instance is in another passing state, or it is already in the state asked for. DescribeInstances shows its state; where that is a passing one, wait until it is Running or Stopped.";
    INSTANCE_NOT_FOUND: "InvalidInstanceId.NotFound", 400, "The specified InstanceId does not exist.",
        "The specified instance does not exist, or belongs to another account.";
    ENS_INTERFACE_ERROR: "ens.interface.error", 400, "An error occurred while calling the API.",
        "The change is made and durable, and stays made; but not every node that it concerns has confirmed it in the time that was to be waited (`x-ravelin-wait`, or the setting of the account or of the server). The message names the nodes and why; DescribeEnforcement shows when they come to it. Do not send the request again: the change is there, and the nodes catch up by themselves.";
    DEPENDENCY_VIOLATION: "DependencyViolation", 400, "%s.",
        "The resource is still used by others. The message names them; remove them first.";
    GROUP_LIMIT: "InstanceSecurityGroupLimitExceeded", 400,
        "The maximum number of security groups of a network interface is exceeded.",
        "The interface is in as many groups as it may be. Leave one first.";
    MEMBER_LIMIT: "SecurityGroupInstanceLimitExceeded", 400,
        "The maximum number of network interfaces in a security group is exceeded.",
        "The group has as many members as it may have. Use another group with the same rules.";
    QUOTA_EXCEEDED: "QuotaExceeded", 400, "The quota is exceeded: %s.",
        "There may not be more of these. The message says of what, and how many there may be.";

    // Instances.
    INSTANCE_ID_NOT_FOUND: "InstanceIdNotFound", 400, "The input parameter instancdId that is not found.",
        "The specified instance does not exist, or belongs to another account. (The spelling of the message is the vendor's.)";
    DELETION_PROTECTED: "OperationDenied.DeletionProtection", 400,
        "The operation is not allowed because deletion protection is enabled.",
        "Switch DeletionProtection off with ModifyInstanceAttribute, then release.";
    ENS_REGION_NOT_FOUND: "InvalidEnsRegionId.NotFound", 400, "The specified EnsRegionId does not exist.",
        "The server offers no such edge site. DescribeEnsRegions lists those there are.";
    IMAGE_NOT_FOUND: "InvalidImageId.NotFound", 400, "The specified ImageId does not exist.",
        "The server offers no such image. DescribeImages lists those there are.";
    INSTANCE_TYPE_NOT_FOUND: "InvalidInstanceType.NotFound", 400, "The specified InstanceType does not exist.",
        "The server offers no such instance type. DescribeInstanceTypes lists those there are.";
    DISK_NOT_FOUND: "InvalidDiskId.NotFound", 400, "The specified DiskId does not exist.",
        "The disk does not exist, or belongs to another account.";

    // Network interfaces.
    INTERFACE_NOT_FOUND: "InvalidEniId.NotFound", 400, "The specified NetworkInterfaceId does not exist.",
        "The network interface does not exist, or belongs to another account.";
    INVALID_ENI_STATUS: "InvalidOperation.InvalidEniStatus", 400,
        "Current eni status does not support this operation.",
        "The network interface is not in the state that the operation needs: Available to be attached or deleted, InUse to be detached, neither Detaching nor Deleting to be bound.";
    INVALID_ENI_TYPE: "InvalidOperation.InvalidEniType", 400, "The type of eni does not support this operation.",
        "A primary network interface can be neither detached nor deleted: it lives as long as its instance.";
    INVALID_ENS_STATUS: "InvalidOperation.InvalidEnsStatus", 400,
        "Current instance status does not support this operation.",
        "Network interfaces are attached to and detached from Stopped instances only.";
    ATTACH_INSTANCE_NOT_FOUND: "InstanceNotFound", 400, "The input parameter instancdId that is not found.",
        "The specified instance does not exist, or belongs to another account. (The spelling of the message is the vendor's.)";

    // Networks.
    NETWORK_NOT_FOUND: "InvalidNetworkId.NotFound", 400, "The specified NetworkId does not exist.",
        "The network does not exist, or belongs to another account.";
    VSWITCH_NOT_FOUND: "InvalidVSwitchId.NotFound", 400, "The specified VSwitchId does not exist.",
        "The vSwitch does not exist, or belongs to another account.";

    // Nodes and what is bound to them.
    NODE_NOT_FOUND: "InvalidNodeId.NotFound", 400, "The specified NodeId does not exist.",
        "The node does not exist, or belongs to another account. DescribeNodes lists those there are.";
    INVALID_NODE_STATUS: "InvalidOperation.InvalidNodeStatus", 400,
        "Current node status does not support this operation.",
        "The certificates of the node are revoked (Gone). It may join again with a new token: CreateNodeToken with its NodeId.";
    NO_NODE_AUTHORITY: "OperationDenied.NoNodeAuthority", 400,
        "No node can join this server yet; start it with: ravelin serve --node-listen ADDRESS:PORT",
        "Nodes have no way to this server, and a token would lead nowhere. With --node-listen (the setting node_listen) the server listens for nodes, and makes the authority that signs their certificates.";
    NODE_NOT_REGRESSED: "InvalidOperation.NodeNotRegressed", 400, "%s.",
        "The node has not been found to hold a newer generation than this server ever gave, and so there is nothing to readmit. It may not have connected since the server began to run: DescribeNodes shows it.";
    NODE_NOT_CONNECTED: "InvalidOperation.NodeNotConnected", 400, "%s.",
        "The node to which the network interface is bound is asked, and it is not connected to the server, or its connection ended before it answered. The message names it. What is in force there stays so; see that its agent runs and reaches the server.";
    NODE_NOT_ANSWERING: "InvalidOperation.NodeNotAnswering", 400, "%s.",
        "The node to which the network interface is bound is connected, and has not answered in time. The message names it. Ask again; if that happens often, `ravelin agent status` on the node shows how it stands.";
    NODE_BUSY: "InvalidOperation.NodeBusy", 400, "%s.",
        "The node, or the account, has as many questions to wait for at the same time as it may have; those that wait for drops count until they are answered. Nothing was asked: ask again in a moment.";
    NODE_CANNOT_SAY: "InvalidOperation.NodeCannotSay", 400, "%s.",
        "The node answered that it cannot say, and the message has its words. Most often the device of the network interface is not there, or the node has not heard of the binding yet.";
    GENERATION_NOT_FOUND: "InvalidGeneration.NotFound", 400, "The specified Generation does not exist.",
        "No change has this number yet. The header x-ravelin-generation of the answer to a change has it.";
    AS_OF_BEYOND_HISTORY: "InvalidAsOf.BeyondHistory", 400, "%s.",
        "The moment is longer ago than the server's history goes back: the settings history.generations_max and history.bytes_max say how much is kept. The message says since when it is.";
    AS_OF_NOT_YET: "InvalidAsOf.NotYet", 400, "%s.",
        "No change has this number yet, or the time has not come. The message says which change is the newest.";
    RESOURCE_NOT_FOUND: "InvalidResourceId.NotFound", 400, "The specified ResourceId does not exist.",
        "There is nothing with this id, or there was nothing at the moment that was asked about; or it belongs to another account.";
    INTERFACE_BOUND: "InvalidOperation.InterfaceBound", 400, "%s.",
        "A network interface is bound to one device of one node. The message names the node; UnbindNetworkInterface ends that binding.";
    INTERFACE_NOT_BOUND: "InvalidOperation.InterfaceNotBound", 400, "%s.",
        "The network interface is bound to no node: there is nothing to unbind. Bindings also end when an interface is detached or deleted, and when its instance is released.";
    INTERFACE_HOSTED: "InvalidOperation.InterfaceHosted", 400, "%s.",
        "The network interface is one of an instance that a lab node runs. The node binds it by itself, for as long as it is attached to the instance; the message names both.";
    DEVICE_BOUND: "InvalidOperation.DeviceBound", 400, "%s.",
        "A device stands for one network interface. The message names the one that is bound to it; unbind that one first.";

    // RAM. Messages are the vendor's, word for word.
    RAM_NO_PERMISSION: "NoPermission", 403, "You are not authorized to do this action.",
        "No policy attached to the caller allows the action on the resource, or one denies it. Of RAM's own operations the status is 403.";
    RAM_INVALID_CHARS: "InvalidParameter.%s.InvalidChars", 400, "The parameter - \"%s\" contains invalid chars.",
        "The named parameter has characters that it may not have. The operation's page says which it may have.";
    RAM_INVALID_LENGTH: "InvalidParameter.%s.Length", 400, "The parameter - \"%s\" beyond the length limit.",
        "The named parameter is too long or too short. The operation's page says how long it may be.";
    RAM_INVALID_FORMAT: "InvalidParameter.%s.Format", 400, "The format of the parameter - \"%s\" is incorrect.",
        "The named parameter is not written as it must be. The operation's page says how.";
    RAM_INVALID_VALUE: "InvalidParameter.%s", 400, "The parameter - \"%s\" is incorrect.",
        "The named parameter is none of the values that it may have.";
    MALFORMED_POLICY_DOCUMENT: "MalformedPolicyDocument", 400, "%s",
        "The document cannot be understood, and so it is not kept. The message says where and why.";
    ENTITY_NOT_EXIST_USER: "EntityNotExist.User", 404, "The user does not exist.",
        "The account has no RAM user of this name. Names are exact: capital letters count.";
    ENTITY_NOT_EXIST_POLICY: "EntityNotExist.Policy", 404, "The policy does not exist.",
        "There is no policy of this type and name. Names are exact: capital letters count.";
    ENTITY_NOT_EXIST_POLICY_VERSION: "EntityNotExist.Policy.Version", 404, "The policy version does not exist.",
        "The policy has no such version. ListPolicyVersions shows those it has.";
    ENTITY_NOT_EXIST_ACCESS_KEY: "EntityNotExist.User.AccessKey", 404, "The user access key does not exist.",
        "The user, or without UserName the caller, has no access key with this id.";
    ENTITY_NOT_EXIST_ATTACHMENT: "EntityNotExist.User.Policy", 404,
        "The indicate policy of the user does not exist.",
        "The policy is not attached to the user: there is nothing to detach. ListPoliciesForUser shows what is attached.";
    ENTITY_EXISTS_USER: "EntityAlreadyExists.User", 409, "The user does already EXIST.",
        "Names of RAM users are unique in an account; two that differ in capital letters alone count as one.";
    ENTITY_EXISTS_POLICY: "EntityAlreadyExists.Policy", 409, "The policy does already EXIST.",
        "Names of policies are unique in an account; two that differ in capital letters alone count as one.";
    ENTITY_EXISTS_ATTACHMENT: "EntityAlreadyExists.User.Policy", 409,
        "The user has already been attached this policy.",
        "There is nothing to attach.";
    DELETE_CONFLICT_USER_ACCESS_KEY: "DeleteConflict.User.AccessKey", 409,
        "The user CAN NOT has any access key while deleting the user.",
        "Delete the user's access keys first.";
    DELETE_CONFLICT_USER_POLICY: "DeleteConflict.User.Policy", 409,
        "The user CAN NOT has any attached policy while deleting the user.",
        "Detach the user's policies first.";
    DELETE_CONFLICT_POLICY_USER: "DeleteConflict.Policy.User", 409,
        "The policy CAN NOT been attached to any user while deleting the policy.",
        "Detach the policy from its users first; ListEntitiesForPolicy names them.";
    DELETE_CONFLICT_POLICY_VERSION: "DeleteConflict.Policy.Version", 409,
        "The policy CAN NOT has any version except the default version.",
        "Delete the other versions of the policy first, or let CascadingDelete do so.";
    DELETE_CONFLICT_DEFAULT_VERSION: "DeleteConflict.Policy.Version.Default", 409,
        "The default policy version CAN NOT been deleted directly.",
        "Put another version in force first, or delete the policy.";
    LIMIT_EXCEEDED_USER: "LimitExceeded.User", 409, "The count of users beyond the current limits.",
        "The account has as many users as it may have. Delete one first.";
    LIMIT_EXCEEDED_ACCESS_KEY: "LimitExceeded.User.AccessKey", 409,
        "The access key count of the user access keys beyond the current limits.",
        "The user has as many access keys as it may have. Delete one first.";
    LIMIT_EXCEEDED_POLICY: "LimitExceeded.Policy", 409, "The count of policy beyond the current limits.",
        "The account has as many policies as it may have. Delete one first.";
    LIMIT_EXCEEDED_POLICY_VERSION: "LimitExceeded.Policy.Version", 409,
        "The count of policy version beyond the current limits.",
        "The policy has as many versions as it may have. Delete one first, or let RotateStrategy do so.";
    LIMIT_EXCEEDED_ATTACHMENT: "LimitExceeded.User.Policy", 409,
        "The policy count of the user attached policies beyond the current limits.",
        "The user has as many policies of this type attached as it may have. Detach one first.";
}

/// The codes that every operation may answer.
pub static GATEWAY: &[&ErrorCode] = &[
    &MISSING_PARAMETER,
    &NO_PERMISSION,
    &INVALID_PARAMETER_NAMED,
    &INVALID_PARAMETER,
    &MISSING_SIGNATURE_NONCE,
    &MISSING_SIGNATURE_METHOD,
    &MISSING_SIGNATURE_VERSION,
    &INVALID_ACTION_NOT_FOUND,
    &INVALID_VERSION,
    &INVALID_ACCESS_KEY_ID_NOT_FOUND,
    &INVALID_ACCESS_KEY_ID_INACTIVE,
    &SIGNATURE_DOES_NOT_MATCH,
    &INCOMPLETE_SIGNATURE,
    &INVALID_TIME_STAMP_EXPIRED,
    &INVALID_TIME_STAMP_FORMAT,
    &SIGNATURE_NONCE_USED,
    &INVALID_SIGNATURE_METHOD,
    &UNSUPPORTED_SIGNATURE_METHOD,
    &INVALID_SECURITY_TOKEN_MALFORMED,
    &MISSING_SECURITY_TOKEN,
    &THROTTLING_USER,
    &UNSUPPORTED_HTTP_METHOD,
    &INVALID_REQUEST,
    &REQUEST_TOO_LARGE,
    &SERVICE_UNAVAILABLE,
    &INTERNAL_ERROR,
    &CALL_INTERFACE,
    &ENS_INTERFACE_ERROR,
];
