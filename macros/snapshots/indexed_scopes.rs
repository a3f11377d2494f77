#[allow(clippy::all, clippy::pedantic, missing_debug_implementations, non_camel_case_types, private_interfaces)]
#[allow(unreachable_pub, unused)]
const _: () = {
    pub struct __ProductFields<__M: 'static, __P: ::fastness::__private::index::FieldLocation> {
        pub id: ::fastness::__private::index::FieldPath<
            __M,
            u64,
            ::fastness::__private::index::StructField<__P, Product, 0usize>,
        >,
        pub maker: ::fastness::__private::index::FieldPath<
            __M,
            Maker,
            ::fastness::__private::index::StructField<__P, Product, 1usize>,
        >,
    }
    impl<__M: 'static, __P: ::fastness::__private::index::FieldLocation> ::fastness::__private::index::FieldSet
        for __ProductFields<__M, __P>
    {
        const ALL: &'static Self = &__ProductFields {
            id: ::fastness::__private::index::FieldPath::NEW,
            maker: ::fastness::__private::index::FieldPath::NEW,
        };
    }
    impl ::fastness::__private::index::Nested for Product {
        type Fields<__M: 'static, __P: ::fastness::__private::index::FieldLocation> = __ProductFields<__M, __P>;
    }
    impl ::fastness::__private::index::StoredFields for Product {
        const SEGMENTS: &'static [::fastness::__private::index::StoredField] = {
            use ::fastness::__private::index::DefaultFacts as _;
            &[
                ::fastness::__private::index::StoredField {
                    name: ::core::option::Option::Some("_id"),
                    array: ::fastness::__private::index::TypeFacts::<u64>::ARRAY,
                    null: ::fastness::__private::index::TypeFacts::<u64>::NULL,
                    nullable: ::fastness::__private::index::TypeFacts::<u64>::NULL,
                    holds: ::fastness::__private::index::TypeFacts::<u64>::HOLDS,
                    items: ::fastness::__private::index::TypeFacts::<u64>::ITEMS,
                },
                ::fastness::__private::index::StoredField {
                    name: ::core::option::Option::Some("maker"),
                    array: ::fastness::__private::index::TypeFacts::<Maker>::ARRAY,
                    null: ::fastness::__private::index::TypeFacts::<Maker>::NULL,
                    nullable: ::fastness::__private::index::TypeFacts::<Maker>::NULL,
                    holds: ::fastness::__private::index::TypeFacts::<Maker>::HOLDS,
                    items: ::fastness::__private::index::TypeFacts::<Maker>::ITEMS,
                },
            ]
        };
    }
    impl ::fastness::__private::index::Indexed for Product {
        const COLLECTION: &'static str = "products";
        const INDEXES: &'static [::fastness::__private::index::DeclaredIndex] = {
            let __root = ::fastness::__private::index::root::<Self>();
            &[]
        };
        const SCOPES: &'static [::fastness::__private::index::ChangeScope] = {
            let __root = ::fastness::__private::index::root::<Self>();
            let __at0 = ::fastness::__private::index::path_steps(&__root.id);
            ::fastness::__private::index::require_single_value(__at0);
            let __at1 = ::fastness::__private::index::path_steps(
                &::fastness::__private::index::nested_fields(&__root.maker).name,
            );
            ::fastness::__private::index::require_single_value(__at1);
            &[
                ::fastness::__private::index::ChangeScope {
                    text: "product:{id}",
                    pieces: &[
                        ::fastness::__private::index::ScopePiece::Text("product:"),
                        ::fastness::__private::index::ScopePiece::Field {
                            path: __at0.names(),
                            write: |__value, __out| {
                                use ::fastness::__private::index::ladder::*;
                                let __root = ::fastness::__private::index::root::<Self>();
                                let ::core::option::Option::Some(__value) =
                                    ::fastness::__private::index::read_field(__value, &__root.id)
                                else {
                                    return false;
                                };
                                ::fastness::__private::index::write_part(
                                    &(&::fastness::__private::index::Arg(&__value)).__part(),
                                    __out,
                                )
                            },
                        },
                    ],
                    prefix: false,
                },
                ::fastness::__private::index::ChangeScope {
                    text: "maker:{maker.name:lower}:products:*",
                    pieces: &[
                        ::fastness::__private::index::ScopePiece::Text("maker:"),
                        ::fastness::__private::index::ScopePiece::Field {
                            path: __at1.names(),
                            write: |__value, __out| {
                                use ::fastness::__private::index::ladder::*;
                                let __root = ::fastness::__private::index::root::<Self>();
                                let ::core::option::Option::Some(__value) = ::fastness::__private::index::read_field(
                                    __value,
                                    &::fastness::__private::index::nested_fields(&__root.maker).name,
                                ) else {
                                    return false;
                                };
                                ::fastness::__private::index::write_part(
                                    &::fastness::__private::index::lower(&__value),
                                    __out,
                                )
                            },
                        },
                        ::fastness::__private::index::ScopePiece::Text(":products"),
                    ],
                    prefix: true,
                },
                ::fastness::__private::index::ChangeScope {
                    text: "products:*",
                    pieces: &[::fastness::__private::index::ScopePiece::Text("products")],
                    prefix: true,
                },
            ]
        };
    }
    const _: &'static [::fastness::__private::index::DeclaredIndex] =
        <Product as ::fastness::__private::index::Indexed>::INDEXES;
    const _: &'static [::fastness::__private::index::ChangeScope] =
        <Product as ::fastness::__private::index::Indexed>::SCOPES;
};
