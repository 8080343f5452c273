// IAM's actions on OpenID Connect providers.

import { pageOf } from "../../access/identities/identity-database.ts";
import { providerArnOf } from "../../access/identities/oidc-providers.ts";
import { pageMembers, pageRequestOf, type IamActionTable } from "./iam-action.ts";
import { storedTags, tagsOf } from "./iam-shapes.ts";
import { byKey } from "./users.ts";

export const oidcProviderActions: IamActionTable<
  | "CreateOpenIDConnectProvider"
  | "GetOpenIDConnectProvider"
  | "ListOpenIDConnectProviders"
  | "DeleteOpenIDConnectProvider"
  | "UpdateOpenIDConnectProviderThumbprint"
  | "AddClientIDToOpenIDConnectProvider"
  | "RemoveClientIDFromOpenIDConnectProvider"
  | "TagOpenIDConnectProvider"
  | "UntagOpenIDConnectProvider"
  | "ListOpenIDConnectProviderTags"
> = {
  async CreateOpenIDConnectProvider(input, { identities, accountId }) {
    const provider = await identities.oidcProviders.create(accountId, {
      url: input.Url,
      clientIds: input.ClientIDList,
      thumbprints: input.ThumbprintList,
      tags: storedTags(input.Tags),
    });
    const { tags } = provider;
    return {
      OpenIDConnectProviderArn: providerArnOf(provider),
      ...(tags.length === 0 ? {} : { Tags: tagsOf(tags) }),
    };
  },

  async GetOpenIDConnectProvider(input, { identities, accountId }) {
    const provider = await identities.oidcProviders.get(accountId, input.OpenIDConnectProviderArn);
    return {
      Url: provider.url,
      ClientIDList: provider.clientIds,
      ThumbprintList: provider.thumbprints,
      CreateDate: new Date(provider.createdMilliseconds),
      Tags: tagsOf(provider.tags),
    };
  },

  async ListOpenIDConnectProviders(_input, { identities, accountId }) {
    const providers = await identities.oidcProviders.list(accountId);
    return {
      OpenIDConnectProviderList: providers.map((provider) => ({ Arn: providerArnOf(provider) })),
    };
  },

  async DeleteOpenIDConnectProvider(input, { identities, accountId }) {
    await identities.oidcProviders.delete(accountId, input.OpenIDConnectProviderArn);
  },

  async UpdateOpenIDConnectProviderThumbprint(input, { identities, accountId }) {
    const { OpenIDConnectProviderArn, ThumbprintList } = input;
    await identities.oidcProviders.setThumbprints(
      accountId,
      OpenIDConnectProviderArn,
      ThumbprintList,
    );
  },

  async AddClientIDToOpenIDConnectProvider(input, { identities, accountId }) {
    const { OpenIDConnectProviderArn, ClientID } = input;
    await identities.oidcProviders.addClientId(accountId, OpenIDConnectProviderArn, ClientID);
  },

  async RemoveClientIDFromOpenIDConnectProvider(input, { identities, accountId }) {
    const { OpenIDConnectProviderArn, ClientID } = input;
    await identities.oidcProviders.removeClientId(accountId, OpenIDConnectProviderArn, ClientID);
  },

  async TagOpenIDConnectProvider(input, { identities, accountId }) {
    const { OpenIDConnectProviderArn, Tags } = input;
    await identities.oidcProviders.tag(accountId, OpenIDConnectProviderArn, storedTags(Tags));
  },

  async UntagOpenIDConnectProvider(input, { identities, accountId }) {
    const { OpenIDConnectProviderArn, TagKeys } = input;
    await identities.oidcProviders.untag(accountId, OpenIDConnectProviderArn, TagKeys);
  },

  async ListOpenIDConnectProviderTags(input, { identities, accountId }) {
    const { tags } = await identities.oidcProviders.get(accountId, input.OpenIDConnectProviderArn);
    const page = pageOf(pageRequestOf(input), tags.toSorted(byKey), ([key]) => key);
    return { Tags: tagsOf(page.items), ...pageMembers(page) };
  },
};
