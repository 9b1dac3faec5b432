import { OperationNodeTransformer, TableNode, type KyselyPlugin, type QueryId } from 'kysely';

/** What the names of a set of tables end in: nothing for the live ones, `_g7` for those that the seventh rebuild fills. */
export type Place = '' | `_g${number}`;

export const LIVE: Place = '';

/** The tables of a rebuild. Each has names of its own, so that one that was overtaken cannot write into its successor's. */
export function placeOf(generation: number): Place {
  return `_g${generation}`;
}

/** Lets queries that are written for the live tables go to those of a place. */
export function inPlace(place: Place): KyselyPlugin {
  const transformer = new PlaceTransformer(place);
  return {
    transformQuery: ({ node, queryId }) => transformer.transformNode(node, queryId),
    transformResult: async ({ result }) => result,
  };
}

class PlaceTransformer extends OperationNodeTransformer {
  constructor(private readonly place: Place) {
    super();
  }

  protected override transformTable(node: TableNode, _queryId?: QueryId): TableNode {
    return TableNode.create(`${node.table.identifier.name}${this.place}`);
  }
}
