'use strict';

// The generic client of @alicloud/openapi-client: what Node programs use for a product that has no SDK of its own.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const OpenApi = require('@alicloud/openapi-client');
const Util = require('@alicloud/tea-util');

const { root, start } = require('./server.js');

const PRODUCTS = { ens: '2017-11-10', ram: '2015-05-01', sts: '2015-04-01' };
const WAIT_MILLISECONDS_MAX = 30_000;

let server;
before(async () => {
  server = await start();
});
after(() => server.stop());

/** A client: `call(action, parameters)` gives the answer, or throws what the library throws. */
function client({ key = root, protocol = 'http', signature = 'v3', place = 'query' } = {}) {
  const config = new OpenApi.Config({
    accessKeyId: key.id,
    accessKeySecret: key.secret,
    endpoint: server[protocol],
    protocol,
  });
  if (protocol === 'https') config.ca = server.certificate;
  // With `v2` the library signs as the old RPC protocol does: HMAC-SHA1 over the parameters.
  if (signature === 'v1') config.signatureAlgorithm = 'v2';
  const generic = new OpenApi.default(config);
  return async (action, parameters = {}, product = 'ens') => {
    const params = new OpenApi.Params({
      action,
      version: PRODUCTS[product],
      protocol: 'HTTPS',
      pathname: '/',
      method: 'POST',
      authType: 'AK',
      style: 'RPC',
      reqBodyType: 'formData',
      bodyType: 'json',
    });
    const request = new OpenApi.OpenApiRequest({ [place]: parameters });
    const answer = await generic.callApi(params, request, new Util.RuntimeOptions({ autoretry: false }));
    assert.equal(answer.statusCode, 200);
    return answer.body;
  };
}

async function until(ask, what) {
  const deadline = Date.now() + WAIT_MILLISECONDS_MAX;
  while (!(await ask())) {
    assert.ok(Date.now() < deadline, `still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function refused(promise, code, statusCode = 400) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code);
    assert.equal(error.data.statusCode, statusCode);
    assert.match(error.data.RequestId, /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
    return true;
  });
}

const ways = ['http', 'https'].flatMap((protocol) =>
  ['v3', 'v1'].flatMap((signature) => ['query', 'body'].map((place) => ({ protocol, signature, place }))),
);

for (const way of ways) {
  describe(`${way.signature} over ${way.protocol}, parameters in the ${way.place}`, () => {
    test('an instance joins a group and leaves it', async () => {
      const call = client(way);
      const Permissions = JSON.stringify([
        {
          Direction: 'ingress',
          IpProtocol: 'TCP',
          Policy: 'Accept',
          PortRange: '443/443',
          Priority: 1,
          SourceCidrIp: '10.1.2.3',
          Description: 'a b*~+/=&ü',
        },
      ]);
      const { SecurityGroupId } = await call('CreateSecurityGroup', { SecurityGroupName: 'web', Permissions });
      const shown = await call('DescribeSecurityGroupAttribute', { SecurityGroupId });
      assert.equal(shown.Permissions.Permission[0].SourceCidrIp, '10.1.2.3');
      assert.equal(shown.Permissions.Permission[0].Description, 'a b*~+/=&ü');
      const run = await call('RunInstances', {
        ScheduleAreaLevel: 'Region',
        EnsRegionId: 'edge-1',
        InstanceType: 'ens.sn1.small',
        ImageId: 'm-debian-12',
        Amount: 1,
      });
      const [InstanceId] = run.InstanceIds;
      const instances = async (filters) => (await call('DescribeInstances', filters)).Instances.Instance;
      await until(async () => (await instances({ InstanceId }))[0].Status === 'Running', 'running');

      assert.deepEqual(Object.keys(await call('JoinSecurityGroup', { InstanceId, SecurityGroupId })), ['RequestId']);
      const [member] = await instances({ InstanceId, SecurityGroupId });
      assert.deepEqual(member.SecurityGroupIds, { SecurityGroupId: [SecurityGroupId] });

      assert.deepEqual(Object.keys(await call('LeaveSecurityGroup', { InstanceId, SecurityGroupId })), ['RequestId']);
      assert.deepEqual(await instances({ InstanceId, SecurityGroupId }), []);
      await refused(call('LeaveSecurityGroup', { InstanceId, SecurityGroupId }), 'InvalidParameter');
      await call('DeleteSecurityGroup', { SecurityGroupId });
      await refused(call('LeaveSecurityGroup', { InstanceId, SecurityGroupId }), 'InvalidSecurityGroupId.NotFound');
      await refused(call('LeaveSecurityGroup', { InstanceId }), 'MissingParameter');
    });

    test('RAM and STS', async () => {
      const call = client(way);
      const UserName = `node.${way.signature}.${way.protocol}.${way.place}`;
      await call('CreateUser', { UserName }, 'ram');
      const { AccessKey } = await call('CreateAccessKey', { UserName }, 'ram');
      const asUser = client({ ...way, key: { id: AccessKey.AccessKeyId, secret: AccessKey.AccessKeySecret } });
      const identity = await asUser('GetCallerIdentity', {}, 'sts');
      assert.equal(identity.Arn, `acs:ram::${identity.AccountId}:user/${UserName}`);
      await refused(asUser('DescribeInstances'), 'NoPermission');
      const attachment = { UserName, PolicyName: 'AliyunENSReadOnlyAccess', PolicyType: 'System' };
      await call('AttachPolicyToUser', attachment, 'ram');
      assert.equal((await asUser('DescribeInstances')).Code, 0);
      await refused(asUser('CreateSecurityGroup'), 'NoPermission');
    });

    test('a wrong secret', async () => {
      const call = client({ ...way, key: { id: root.id, secret: 'wrong' } });
      await refused(call('DescribeInstances'), 'SignatureDoesNotMatch');
    });
  });
}
