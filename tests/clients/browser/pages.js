'use strict';

// Every page of the console, with something to see on each.

/** The addresses, by the name that a picture of it has. */
function pages(made) {
  const id = encodeURIComponent;
  const explain = `From=${id('198.51.100.7')}&To=${id(made.InstanceId)}&Protocol=tcp&Port=443`;
  const rule = 'Direction=ingress&IpProtocol=TCP&Policy=Accept&PortRange=22%2F22&Priority=1&SourceCidrIp=10.0.0.0%2F8';
  return {
    overview: '/console',
    groups: '/console/groups',
    'group-new': '/console/groups/new',
    group: `/console/groups/${made.SecurityGroupId}`,
    'group-edit': `/console/groups/${made.SecurityGroupId}/edit`,
    'group-delete': `/console/groups/${made.SecurityGroupId}/delete`,
    'rule-new': `/console/groups/${made.SecurityGroupId}/rules/new`,
    'rule-remove': `/console/groups/${made.SecurityGroupId}/rules/remove?${rule}`,
    join: `/console/groups/${made.SecurityGroupId}/join`,
    leave: `/console/groups/${made.SecurityGroupId}/leave?instance=${made.InstanceId}`,
    map: '/console/map',
    explain: `/console/explain?${explain}`,
    findings: '/console/findings',
    instances: '/console/instances',
    'instance-new': '/console/instances/new',
    instance: `/console/instances/${made.InstanceId}`,
    interfaces: '/console/interfaces',
    interface: `/console/interfaces/${made.NetworkInterfaceId}`,
    networks: '/console/networks',
    'network-new': '/console/networks/new',
    network: `/console/networks/${made.NetworkId}`,
    nodes: '/console/nodes',
    'node-new': '/console/nodes/new',
    activity: '/console/activity',
    change: `/console/changes/${made.generation}`,
    users: '/console/users',
    'user-new': '/console/users/new',
    user: '/console/users/reader',
    policies: '/console/policies',
    'policy-new': '/console/policies/new',
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

module.exports = { pages };
