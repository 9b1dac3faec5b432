import { SetMetadata, type CustomDecorator } from '@nestjs/common';
import type { ReadModelName } from '@sijill/read-models';

export const READS_FROM = 'sijill:reads-from';

/** Names the read model that a route answers from: the one that a position sent with the request is waited for. */
export const ReadsFrom = (name: ReadModelName): CustomDecorator => SetMetadata(READS_FROM, name);
