'use strict';

// Every page of the console, with something to see on each.

/** The addresses, by the name that a picture of it has. */
function pages(made) {
  const id = encodeURIComponent;
  const explain = `From=${id('198.51.100.7')}&To=${id(made.InstanceId)}&Protocol=tcp&Port=443`;
  const rule = made.rule || 'Direction=ingress&IpProtocol=TCP&Policy=Accept&PortRange=22%2F22&Priority=1&SourceCidrIp=10.0.0.0%2F8';
  return {
    overview: '/console',
    groups: '/console/groups',
    'groups-found': '/console/groups?q=a&HasMembers=true',
    'group-new': '/console/groups/new',
    group: `/console/groups/${made.SecurityGroupId}`,
    'group-edit': `/console/groups/${made.SecurityGroupId}/edit`,
    'group-delete': `/console/groups/${made.SecurityGroupId}/delete`,
    'rule-new': `/console/groups/${made.SecurityGroupId}/rules/new`,
    'rule-preview': `/console/groups/${made.SecurityGroupId}/rules/add?Direction=ingress&Policy=Accept&IpProtocol=TCP&ports=8000-8080&peer=0.0.0.0%2F0&Priority=5`,
    'rule-remove': `/console/groups/${made.SecurityGroupId}/rules/remove?${rule}`,
    join: `/console/groups/${made.SecurityGroupId}/join`,
    leave: `/console/groups/${made.SecurityGroupId}/leave?instance=${made.InstanceId}`,
    'join-preview': `/console/groups/${made.OtherGroupId || made.SecurityGroupId}/join/preview?member=${made.InstanceId}`,
    map: '/console/map',
    'map-group': `/console/map?group=${made.SecurityGroupId}`,
    explain: `/console/explain?${explain}`,
    findings: '/console/findings',
    instances: '/console/instances',
    'instance-new': '/console/instances/new',
    instance: `/console/instances/${made.InstanceId}`,
    'instance-stop': `/console/instances/${made.InstanceId}/stop`,
    'instance-release': `/console/instances/${made.InstanceId}/release`,
    'instance-join': `/console/instances/${made.InstanceId}/join`,
    interfaces: '/console/interfaces',
    interface: `/console/interfaces/${made.NetworkInterfaceId}`,
    bind: `/console/interfaces/${made.NetworkInterfaceId}/bind`,
    'bind-preview': `/console/interfaces/${made.NetworkInterfaceId}/bind/preview?NodeId=${made.NodeId || 'node-5qk3n8y4laeb2ii9zxxltlvzi'}&Device=vnet0`,
    networks: '/console/networks',
    'network-new': '/console/networks/new',
    network: `/console/networks/${made.NetworkId}`,
    'network-delete': `/console/networks/${made.NetworkId}/delete`,
    'vswitch-new': `/console/networks/${made.NetworkId}/vswitches/new`,
    'vswitch-delete': `/console/networks/${made.NetworkId}/vswitches/${made.VSwitchId}/delete`,
    nodes: '/console/nodes',
    'node-new': '/console/nodes/new',
    activity: '/console/activity',
    'activity-group': `/console/activity?ResourceId=${made.SecurityGroupId}`,
    state: `/console/activity/state?ResourceId=${made.SecurityGroupId}&AsOf=${made.generation}`,
    change: `/console/changes/${made.generation}`,
    users: '/console/users',
    'user-new': '/console/users/new',
    user: '/console/users/reader',
    'user-delete': '/console/users/reader/delete',
    'key-delete': '/console/users/reader/keys/LTAI5tExample/delete',
    detach: `/console/users/reader/policies/detach?policy=${id('System:AliyunENSReadOnlyAccess')}`,
    policies: '/console/policies',
    policy: '/console/policies/System/AliyunENSReadOnlyAccess',
    'policy-new': '/console/policies/new',
    'policy-delete': `/console/policies/Custom/${made.PolicyName}/delete`,
    access: '/console/access?UserName=reader',
    explorer: '/console/explorer',
    operation: '/console/explorer/ens/RunInstances?example=1',
    reference: '/console/reference',
    'reference-operation': '/console/reference/ens/LeaveSecurityGroup',
    errors: '/console/errors',
    error: '/console/errors/NoPermission',
    'release-notes': '/console/release-notes',
    'not-found': '/console/nothing-of-this-name',
  };
}

/** Those of a node that is there, and of what it enforces. */
function nodePages(made) {
  return {
    node: `/console/nodes/${made.NodeId}`,
    'node-delete': `/console/nodes/${made.NodeId}/delete`,
    traffic: `/console/interfaces/${made.NetworkInterfaceId}/traffic`,
    unbind: `/console/interfaces/${made.NetworkInterfaceId}/unbind`,
  };
}

module.exports = { nodePages, pages };
